import { type Decoder, type EmbeddingCache, type EmbeddingResolver, type EngineObserver, GREEDY } from '@eidetic/core';
import type { ServedDecoder } from '@eidetic/decoder-rpc';
import { createMemoryEmbeddingCache, createTieredEmbeddingCache, openSharedCaches } from '@eidetic/embedding-cache';
import { checkProvider, loadBundle, maxContextOf, memoryWarning, startEngine } from '@eidetic/model-loader';
import type { Loaded, LoadHooks } from '@eidetic/rpc-service';
import { type createCacheMetrics, measureEmbeddingCache, traceDecoder } from '@eidetic/telemetry';
import type { DecoderConfig } from './config.ts';

/** What a decoder is loaded with. */
interface LoadDecoderContext extends LoadHooks {
  readonly observer: EngineObserver;
  readonly cacheMetrics: ReturnType<typeof createCacheMetrics>;
  /** Where to look for embeddings that are not in this process's memory. */
  readonly sharedCache?: EmbeddingCache | undefined;
}

/** Loads what the configuration names. */
export type DecoderLoader = (config: DecoderConfig, context: LoadDecoderContext) => Promise<Loaded<ServedDecoder>>;

/** What this service loads of a bundle. */
const PARTS = ['decoder'] as const;

/** Generates a token, so that memory is there and code is warm for the first caller, and a model that cannot run is found. */
const warmUp = async (decoder: Decoder): Promise<void> => {
  const prompt = [{ kind: 'tokens', ids: [0, 1, 2, 3] }] as const;
  const request = { requestId: 'warm-up', prompt, sampling: GREEDY, maxTokens: 2, stopTokenIds: [] };
  for await (const { kind } of decoder.generate(request)) if (kind === 'finished') return;
};

/**
 * Converts the checkpoint unless that has been done before, and starts an engine over its decoder.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export const loadDecoder: DecoderLoader = async (config, context) => {
  const { observer, cacheMetrics, tracer } = context;
  checkProvider(config);
  const bundle = await loadBundle(config, context, PARTS);
  const needs = {
    parts: PARTS,
    slots: config.slots,
    maxContext: maxContextOf(bundle.manifest, config),
    cachesBytes: config.embeddingCacheBytes,
  };
  const warning = await memoryWarning(bundle, needs);
  if (warning !== undefined) context.onProgress(warning);
  await using resources = new AsyncDisposableStack();
  const sharedCache = context.sharedCache ?? (await openSharedCache(config, context, resources));
  const local = createMemoryEmbeddingCache({ maxBytes: config.embeddingCacheBytes });
  const memory = measureEmbeddingCache(local, cacheMetrics('embedding', 'process'), () => performance.now());
  const embeddings = createTieredEmbeddingCache(sharedCache ? [memory, sharedCache] : [memory]);
  const resolveEmbedding: EmbeddingResolver = (key) => embeddings.get(key);
  const { engine, release } = await startEngine(bundle, config, { resolveEmbedding, observer }, context);
  resources.defer(release);
  const { name, family, source, decoder } = bundle.manifest;
  const { hidden, vocab } = decoder;
  const served: ServedDecoder = {
    decoder: traceDecoder(engine, tracer, 'engine', Date.now),
    model: { name, family, source, maxContext: engine.maxContext, hidden, vocab },
    load: () => engine.load,
    embeddings,
  };
  await warmUp(engine);
  const kept = resources.move();
  return { served, release: () => kept.disposeAsync() };
};

/** The cache that the configuration names, closed with `resources`. */
const openSharedCache = async (
  config: DecoderConfig,
  { cacheMetrics, logger }: LoadDecoderContext,
  resources: AsyncDisposableStack,
): Promise<EmbeddingCache | undefined> => {
  if (config.cacheRedisUrl === undefined) return undefined;
  const caches = await openSharedCaches(config.cacheRedisUrl, config, {
    embedding: cacheMetrics('embedding'),
    image: cacheMetrics('image'),
    onConnection(connected, reason) {
      if (connected) logger.info('The cache is connected.');
      else logger.warn({ err: reason }, 'The cache is not connected: callers send embeddings along.');
    },
  });
  return resources.use(caches).embeddings;
};
