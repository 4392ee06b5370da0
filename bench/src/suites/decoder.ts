import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Precision } from '@eidetic/bundle';
import { Contender } from '../contender.ts';
import { firstTokenMs, msPerToken, tokensPerSecond } from '../figures.ts';
import type { GgufType } from '../gguf.ts';
import { textGoldens } from '../goldens.ts';
import type { LlamaCppOptions } from '../peers/llama-cpp.ts';
import type { Generation, TextPeer } from '../peers/protocol.ts';
import { randomPrompts } from '../prompts.ts';
import { writeQwenGguf } from '../qwen-gguf.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite, SuiteContext } from '../suite.ts';

const PAST = 200;
const DECODED = 65;
const BATCH = 8;
const PREFILLS = [64, 256];

/** The peer's format of the same width. */
const GGUF_TYPES = { float32: 'f32', float16: 'f16', int8: 'q8_0', int4: 'q4_0' } as const satisfies Record<
  Precision,
  GgufType
>;

/** The language model alone, token ids in and out, greedy. */
export function decoderSuite(precision: Precision): Suite {
  const name = `decoder-${precision}`;
  return {
    name,
    async run(context) {
      await using contenders = new AsyncDisposableStack();
      const peers: Contender<TextPeer>[] = [];
      for (const start of [startLlamaCpp]) peers.push(contenders.use(await start(context, precision)));
      const agreement: Record<string, string> = {};
      for (const peer of peers) agreement[`${peer.name} answers as the reference`] = await agreementOf(peer);
      return {
        name,
        title: `Decoder, ${precision} weights, ${context.threads} threads`,
        facts: agreement,
        measurements: await alternate(probes(peers), context.rounds),
      };
    },
  };
}

async function startLlamaCpp(context: SuiteContext, precision: Precision): Promise<Contender<TextPeer>> {
  await mkdir(context.cacheDirectory, { recursive: true });
  const modelPath = join(context.cacheDirectory, `${precision}.gguf`);
  const type = GGUF_TYPES[precision];
  await writeQwenGguf(context.checkpointDirectory, modelPath, { matrices: type, head: type });
  const options: LlamaCppOptions = { modelPath, threads: context.threads, sequences: BATCH, contextSize: 512 };
  return Contender.start('llama.cpp', 'llama-cpp', options);
}

/** How many reference cases a contender continues token for token: the proof that it runs the same model. */
async function agreementOf(peer: Contender<TextPeer>): Promise<string> {
  const goldens = await textGoldens();
  let same = 0;
  for (const { prompt_ids, output_ids } of goldens) {
    const { ids } = await peer.call('generate', { prompts: [prompt_ids], tokens: output_ids.length });
    same += Number(ids[0]?.join() === output_ids.join());
  }
  return `${same} of ${goldens.length} texts`;
}

function probes(peers: readonly Contender<TextPeer>[]): readonly Probe[] {
  const each = (
    metric: string,
    better: Probe['better'],
    job: { count: number; length: number; tokens: number },
    figure: (generation: Generation) => number,
  ): Probe[] =>
    peers.map((peer) => ({
      contender: peer.name,
      metric,
      better,
      async measure(round) {
        const prompts = randomPrompts(job.count, job.length, round);
        return figure(await peer.call('generate', { prompts, tokens: job.tokens }));
      },
    }));
  return [
    ...each(`decode, ms/token after ${PAST}`, 'lower', { count: 1, length: PAST, tokens: DECODED }, msPerToken),
    ...PREFILLS.flatMap((length) =>
      each(`prefill of ${length}, tokens/s`, 'higher', { count: 1, length, tokens: 1 }, (generation) => {
        return (length / firstTokenMs(generation)) * 1000;
      }),
    ),
    ...each(
      `decode, ${BATCH} at once, tokens/s`,
      'higher',
      { count: BATCH, length: PAST, tokens: DECODED },
      tokensPerSecond,
    ),
  ];
}
