import type { Precision } from '@eidetic/bundle';
import type { Contender } from '../contender.ts';
import { startDecoders } from '../decoders.ts';
import { firstTokenMs, msPerToken, tokensPerSecond } from '../figures.ts';
import { textGoldens } from '../goldens.ts';
import type { Generation, TextPeer } from '../peers/protocol.ts';
import { randomPrompts } from '../prompts.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite } from '../suite.ts';

const PAST = 200;
const DECODED = 65;
const BATCH = 8;
const PREFILLS = [64, 256];

/** The language model alone, token ids in and out, greedy. */
export function decoderSuite(precision: Precision): Suite {
  const name = `decoder-${precision}`;
  return {
    name,
    async run(context) {
      await using started = new AsyncDisposableStack();
      const decoders = await startDecoders(context, precision, { sequences: BATCH, contextSize: 512 });
      for (const decoder of decoders) started.use(decoder);
      const facts: Record<string, string> = {};
      for (const decoder of decoders) facts[`${decoder.name} answers as the reference`] = await agreementOf(decoder);
      return {
        name,
        title: `Decoder, ${precision} weights, ${context.threads} threads`,
        facts,
        measurements: await alternate(probes(decoders), context.rounds),
      };
    },
  };
}

/** How many reference cases a decoder continues token for token: the proof that all run the same model. */
async function agreementOf(decoder: Contender<TextPeer>): Promise<string> {
  const goldens = await textGoldens();
  let same = 0;
  for (const { prompt_ids, output_ids } of goldens) {
    const { ids } = await decoder.call('generate', { prompts: [prompt_ids], tokens: output_ids.length });
    same += Number(ids[0]?.join() === output_ids.join());
  }
  return `${same} of ${goldens.length} texts`;
}

interface Work {
  readonly prompts: number;
  readonly length: number;
  readonly tokens: number;
}

function probes(decoders: readonly Contender<TextPeer>[]): readonly Probe[] {
  const each = (
    metric: string,
    better: Probe['better'],
    { prompts, length, tokens }: Work,
    figure: (generation: Generation) => number,
  ): Probe[] =>
    decoders.map((decoder) => ({
      contender: decoder.name,
      metric,
      better,
      async measure(round) {
        const job = { prompts: randomPrompts(prompts, length, round), tokens };
        return figure(await decoder.call('generate', job));
      },
    }));
  const decode = { length: PAST, tokens: DECODED };
  return [
    ...each(`decode after ${PAST}, ms/token`, 'lower', { prompts: 1, ...decode }, msPerToken),
    ...PREFILLS.flatMap((length) =>
      each(`prefill of ${length}, tokens/s`, 'higher', { prompts: 1, length, tokens: 1 }, (generation) => {
        return (length / firstTokenMs(generation)) * 1000;
      }),
    ),
    ...each(`decode of ${BATCH}, tokens/s`, 'higher', { prompts: BATCH, ...decode }, tokensPerSecond),
  ];
}
