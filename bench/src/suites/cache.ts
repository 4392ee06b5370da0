import type { Precision } from '@eidetic/bundle';
import type { EmbeddingCache, ImageEmbedding } from '@eidetic/core';
import { createMemoryEmbeddingCache, createRedisEmbeddingCache, RedisStore } from '@eidetic/embedding-cache';
import { ensureBundle } from '@eidetic/exporter';
import { RedisServer } from '@eidetic/launcher';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { allGoldens } from '../goldens.ts';
import { decoderOf, type Embeddings, encode, qualityOf } from '../quality.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite, SuiteContext } from '../suite.ts';

const CALLS = 20;

/**
 * What keeping an embedding costs in each tier, and what storing it in fewer bits than it has would do to answers: the format
 * that processes share rests on it.
 */
export const cacheSuite: Suite = {
  name: 'cache',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const server = started.use(await RedisServer.start());
    const store = started.use(await RedisStore.connect({ url: server.url, timeoutMs: 10_000, maxWriteBytes: 2 ** 28 }));
    const silent = { read: () => undefined, write: () => undefined };
    const redis = createRedisEmbeddingCache({ store, ttlSeconds: 600, observer: silent, now: () => performance.now() });
    const memory = createMemoryEmbeddingCache({ maxBytes: 2 ** 28 });
    const probes = Object.entries({ memory, redis }).flatMap(([tier, cache]) =>
      SUBJECTS.flatMap(([name, embedding]) => probesOf(tier, cache, name, embedding)),
    );
    return {
      name: 'cache',
      title: `Embeddings by tier, Redis on the same machine; each figure the mean of ${CALLS} calls one after the other`,
      facts: await storageFacts(started, context),
      measurements: await alternate(probes, context.rounds),
    };
  },
};

/** An embedding of sines, in numbers that float16 holds exactly or not. */
function embeddingOf(tokens: number, hidden: number, round: (number: number) => number): ImageEmbedding {
  const data = Float32Array.from({ length: tokens * hidden }, (_, i) => round(Math.sin(i)));
  return { data, tokens, hidden, imageWidth: 448, imageHeight: 448 };
}

const SUBJECTS = [
  ['64 x 320 float32', embeddingOf(64, 320, Math.fround)],
  ['64 x 320 float16', embeddingOf(64, 320, Math.f16round)],
  ['256 x 4096 float32', embeddingOf(256, 4096, Math.fround)],
  ['256 x 4096 float16', embeddingOf(256, 4096, Math.f16round)],
] as const;

function probesOf(contender: string, cache: EmbeddingCache, name: string, embedding: ImageEmbedding): Probe[] {
  const mean = async (call: () => Promise<unknown>): Promise<number> => {
    const from = performance.now();
    for (let i = 0; i < CALLS; i++) await call();
    return (performance.now() - from) / CALLS;
  };
  const get = async (): Promise<void> => {
    if ((await cache.get(name)) === undefined) throw new Error(`${contender} lost ${name}.`);
  };
  const [set, found] = [`set ${name}, ms`, `get ${name}, ms`];
  return [
    { contender, metric: set, better: 'lower', measure: () => mean(() => cache.set(name, embedding)) },
    { contender, metric: found, better: 'lower', measure: () => mean(get) },
  ];
}

/** Storages that lose something, as they come back. */
const LOSSY: readonly (readonly [string, (embedding: ImageEmbedding) => Float32Array])[] = [
  ['float32', ({ data }) => data],
  ['float16', ({ data }) => new Float32Array(new Float16Array(data))],
  ['int8 by row', ({ data, hidden }) => throughInt8(data, hidden)],
];

function throughInt8(data: Float32Array, hidden: number): Float32Array {
  const scales = Array.from({ length: data.length / hidden }, (_, row) =>
    data.subarray(row * hidden, (row + 1) * hidden).reduce((most, x) => Math.max(most, Math.abs(x) / 127), 0),
  );
  return data.map((x, i) => {
    const scale = scales[Math.trunc(i / hidden)] ?? 0;
    return scale === 0 ? 0 : Math.round(x / scale) * scale;
  });
}

async function storageFacts(started: AsyncDisposableStack, context: SuiteContext): Promise<Record<string, string>> {
  const goldens = await allGoldens();
  const bundleOf = (decoder: Precision) =>
    ensureBundle({
      checkpointDirectory: context.checkpointDirectory,
      cacheDirectory: context.cacheDirectory,
      family: qwenVlExport,
      precisions: { vision: 'float32', decoder, head: decoder },
      activations: 'float32',
    });
  const { embeddings } = await encode(started, await bundleOf('float32'), goldens);
  const facts: Record<string, string> = {};
  for (const decoder of ['float32', 'int8'] as const) {
    const subject = await decoderOf(started, await bundleOf(decoder), context.threads);
    for (const [storage, through] of LOSSY) {
      const stored: Embeddings = new Map(
        Array.from(embeddings, ([path, embedding]) => [path, { ...embedding, data: through(embedding) }]),
      );
      const { logitError, same } = await qualityOf(subject, goldens, stored);
      facts[`embeddings stored as ${storage}, ${decoder} decoder`] =
        `answers as the reference ${same}, mean error of first logits ${logitError.toPrecision(2)}`;
    }
  }
  return facts;
}
