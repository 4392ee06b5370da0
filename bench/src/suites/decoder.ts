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
const LONG_PAST = 1800;
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
      const { decoders, weightBytes } = await startDecoders(context, precision, {
        sequences: BATCH,
        contextSize: LONG_PAST + 248,
      });
      for (const decoder of decoders) started.use(decoder);
      const facts: Record<string, string | number> = {
        'weights that a token needs, MB': weightBytes / 1e6,
        // Below it only where the weights stay in a cache.
        'time to stream them from memory, ms': (weightBytes / context.copyBytesPerSecond) * 1000,
      };
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
    ...each(
      `decode after ${LONG_PAST}, ms/token`,
      'lower',
      { prompts: 1, length: LONG_PAST, tokens: DECODED },
      msPerToken,
    ),
    ...PREFILLS.flatMap((length) =>
      each(`prefill of ${length}, tokens/s`, 'higher', { prompts: 1, length, tokens: 1 }, (generation) => {
        return (length / firstTokenMs(generation)) * 1000;
      }),
    ),
    ...each(`decode of ${BATCH}, tokens/s`, 'higher', { prompts: BATCH, ...decode }, tokensPerSecond),
  ];
}
