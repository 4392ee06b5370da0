import { execFile } from 'node:child_process';
import { glob, mkdir, readFile, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type Bundle, openBundle } from '@eidetic/bundle';
import type { ImageEmbedding } from '@eidetic/core';
import { ANSWERS_AT_ONCE, decodeOf, STREAM_MS, withPaces } from '../answers-at-once.ts';
import { Contender } from '../contender.ts';
import { GGUF_TYPES } from '../decoders.ts';
import { tokensPerSecond } from '../figures.ts';
import type { EideticServiceOptions } from '../peers/eidetic-service.ts';
import type { LlamaCppOptions } from '../peers/llama-cpp.ts';
import type { ServicePeer, TextPeer } from '../peers/protocol.ts';
import { randomPrompts } from '../prompts.ts';
import { writeQwenGguf } from '../qwen-gguf.ts';
import { OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite, SuiteContext } from '../suite.ts';

const PAST = 32;
const DECODED = 13;
const QUESTION_TOKENS = 24;
const SIZE = { sequences: Math.max(...ANSWERS_AT_ONCE), contextSize: 512 };
const PICTURE = new URL('../../../test/data/goldens/images/wide.png', import.meta.url);

/**
 * A model of the published size: memory and loading of its services, first tokens of questions about pictures, and decoding against the
 * machine's memory and llama.cpp. `--model` names the checkpoint and `--bundle` a bundle of it. A first run packs the weights and writes
 * llama.cpp's file into `--cache`, which takes minutes and twice the bundle's size; further runs find them there.
 */
export const fullSizeSuite: Suite = {
  name: 'full-size',
  onRequest: true,
  async run(context) {
    if (context.bundleDirectory === undefined) throw new Error('Name a bundle of the checkpoint: --bundle BUNDLE.');
    const bundle = await openBundle(context.bundleDirectory);
    const modelPath = await ggufOf(context, bundle);
    await using started = new AsyncDisposableStack();
    const { facts, decoder, vision } = await loadServices(context, bundle, started);
    const llamaFrom = performance.now();
    const options: LlamaCppOptions = { modelPath, threads: context.threads, ...SIZE };
    const llama = started.use(await Contender.start<TextPeer>('llama.cpp', 'llama-cpp', options));
    const llamaLoadMs = performance.now() - llamaFrom;
    const measurements = await alternate(
      [...decodeProbes([decoder, llama]), ...pictureProbes(decoder, vision)],
      context.rounds,
    );
    const { size: weightBytes } = await stat(bundle.path('decoder.data'));
    const streamMs = (weightBytes / context.copyBytesPerSecond) * 1000;
    return {
      name: 'full-size',
      title: titleOf(bundle, context.threads),
      facts: {
        ...facts,
        'llama.cpp, loaded in, s': llamaLoadMs / 1000,
        'llama.cpp, private memory after the run, GB': (await llama.memory()).private / 1e9,
        'decoder, memory after the run, GB': (await decoder.memory()).resident / 1e9,
        'decoder, private memory after the run, GB': (await decoder.memory()).private / 1e9,
        'weights that a token needs, GB': weightBytes / 1e9,
        'memory of the machine copies, GB/s': context.copyBytesPerSecond / 1e9,
        [STREAM_MS]: streamMs,
      },
      measurements: withPaces(measurements, streamMs),
    };
  },
};

function titleOf({ manifest }: Bundle, threads: number): string {
  const { layers, hidden, precision, headPrecision } = manifest.decoder;
  return `${manifest.name}: ${layers} layers of width ${hidden}, ${precision} with ${headPrecision} head, ${threads} threads`;
}

type Service = Contender<ServicePeer>;

/** Starts both services, the decoder from a cold and from a warm page cache, and for a moment a second decoder beside it. */
async function loadServices(context: SuiteContext, bundle: Bundle, started: AsyncDisposableStack) {
  const start = async (part: EideticServiceOptions['part'], name = OURS): Promise<[Service, number]> => {
    const { cacheDirectory, threads } = context;
    const options: EideticServiceOptions = {
      part,
      bundleDirectory: bundle.directory,
      cacheDirectory,
      threads,
      ...SIZE,
    };
    const from = performance.now();
    const service = await Contender.start<ServicePeer>(name, 'eidetic-service', options);
    return [service, (performance.now() - from) / 1000];
  };
  // The first start may pack, the second may read what was packed for the first time.
  for (let i = 0; i < 2; i++) await (await start('decoder'))[0][Symbol.asyncDispose]();
  await dropFromPageCache(context, bundle);
  const [cold, coldSeconds] = await start('decoder');
  await cold[Symbol.asyncDispose]();
  const [decoder, warmSeconds] = await start('decoder');
  started.use(decoder);
  await generateOne(decoder);
  const alone = await decoder.memory();
  const [second] = await start('decoder', 'second decoder');
  await generateOne(second);
  const both = (await decoder.memory()).proportional + (await second.memory()).proportional;
  await second[Symbol.asyncDispose]();
  const [vision, visionSeconds] = await start('vision');
  started.use(vision);
  const facts: Record<string, string | number> = {
    'decoder, loaded from the disk in, s': coldSeconds,
    'decoder, loaded from the page cache in, s': warmSeconds,
    'decoder, memory after one answer, GB': alone.resident / 1e9,
    'decoder, of it private, GB': alone.private / 1e9,
    'two decoders together, GB': both / 1e9,
    'vision encoder, loaded in, s': visionSeconds,
    'vision encoder, memory, GB': (await vision.memory()).resident / 1e9,
    'vision encoder, of it private, GB': (await vision.memory()).private / 1e9,
  };
  return { facts, decoder, vision };
}

const generateOne = (decoder: Service) => decoder.call('generate', { prompts: randomPrompts(1, 8, 0), tokens: 2 });

/** Has the system forget the files that a decoder reads, as GNU's dd can. */
async function dropFromPageCache({ cacheDirectory }: SuiteContext, bundle: Bundle): Promise<void> {
  const packed = await Array.fromAsync(glob(join(cacheDirectory, 'packed', '*', '*')));
  for (const file of [...bundle.manifest.files.map(({ path }) => bundle.path(path)), ...packed]) {
    await promisify(execFile)('dd', [`if=${file}`, 'iflag=nocache', 'count=0']);
  }
}

/** The language model for llama.cpp in the same widths, written once. */
async function ggufOf({ checkpointDirectory, cacheDirectory }: SuiteContext, bundle: Bundle): Promise<string> {
  const { precision, headPrecision } = bundle.manifest.decoder;
  const path = join(cacheDirectory, `${basename(checkpointDirectory)}-${precision}-${headPrecision}.gguf`);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  await mkdir(cacheDirectory, { recursive: true });
  const types = { matrices: GGUF_TYPES[precision], head: GGUF_TYPES[headPrecision] };
  await writeQwenGguf(checkpointDirectory, `${path}.partial`, types);
  await rename(`${path}.partial`, path);
  return path;
}

function decodeProbes(decoders: readonly Contender<TextPeer>[]): readonly Probe[] {
  return ANSWERS_AT_ONCE.flatMap((count) =>
    decoders.map(
      (decoder): Probe => ({
        contender: decoder.name,
        metric: decodeOf(count),
        better: 'higher',
        async measure(round) {
          const job = { prompts: randomPrompts(count, PAST, round), tokens: DECODED };
          return tokensPerSecond(await decoder.call('generate', job));
        },
      }),
    ),
  );
}

/** Time to first token of a question about a picture: never seen, and seen before in another dialog. */
function pictureProbes(decoder: Service, vision: Service): readonly Probe[] {
  const ids = (round: number): readonly number[] => randomPrompts(1, QUESTION_TOKENS, round)[0] ?? [];
  let embedding: ImageEmbedding | undefined;
  const ask = async (key: string, question: number): Promise<number> => {
    embedding ??= await vision.call('encode', await readFile(PICTURE));
    return (await decoder.call('ask', { key, embedding, ids: ids(question) })) / 1000;
  };
  const probe = (metric: string, measure: Probe['measure']): Probe => ({
    contender: OURS,
    metric,
    better: 'lower',
    measure,
  });
  return [
    probe('first token about a new picture, s', async (round) => {
      const from = performance.now();
      embedding = undefined;
      await ask(`new ${round}`, round);
      return (performance.now() - from) / 1000;
    }),
    probe('first token, embedding kept, s', (round) => ask(`kept ${round}`, round)),
    probe('first token, same picture in the prompt before, s', (round) => ask(`kept ${round}`, round + 100)),
  ];
}
