import { createImageResolver, createImageService } from '@eidetic/chat';
import { type LoadContext, type LoadedChat, openBundleChat, warmUp } from '@eidetic/chat-server';
import { SHARED_SCOPE, tenantScope } from '@eidetic/core';
import { createMemoryEmbeddingCache, createMemoryImageStore } from '@eidetic/embedding-cache';
import { MemoryEncodeQueue } from '@eidetic/encode-queue';
import { openImageFetcher } from '@eidetic/image-fetcher';
import {
  checkProvider,
  loadBundle,
  maxContextOf,
  memoryWarning,
  modelPlanOf,
  startEngine,
} from '@eidetic/model-loader';
import { startVision } from '@eidetic/model-loader/vision';
import {
  measureEmbeddingCache,
  measureImageStages,
  measureVisionEncoder,
  traceDecoder,
  traceEncodeHandler,
  traceEncodeProducer,
  traceImageFetcher,
  traceImageResolver,
} from '@eidetic/telemetry';
import { createEncodeHandler, encodePicture } from '@eidetic/vision';
import type { StandaloneConfig } from './config.ts';
import type { Metrics } from './metrics.ts';
import { openData } from './open-data.ts';

/** What this service loads of a bundle: all of it. */
const PARTS = ['vision', 'decoder'] as const;

/** A clock in milliseconds. */
const now = (): number => performance.now();

/**
 * Converts the checkpoint unless that has been done before, loads its two graphs and puts the chat service together.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export const loadModel = async (
  config: StandaloneConfig,
  {
    metrics,
    onProgress,
    onTrouble,
    signal,
    tracer,
  }: LoadContext & {
    readonly metrics: Metrics;
    /** For the log: something is not as it should be. */
    readonly onTrouble: (message: string, reason: Error) => void;
  },
): Promise<LoadedChat> => {
  checkProvider(config);
  const context = { onProgress, signal };
  const bundle = await loadBundle(config, context, PARTS);
  const cachesBytes = config.embeddingCacheBytes + config.imageStoreBytes;
  const needs = { parts: PARTS, slots: config.slots, maxContext: maxContextOf(bundle.manifest, config), cachesBytes };
  const warning = await memoryWarning(bundle, needs);
  if (warning !== undefined) onProgress(warning);
  await using parts = new AsyncDisposableStack();
  const data = parts.use(await openData(config.dataDir, onTrouble));
  const { encoder } = parts.use(await startVision(bundle, config, context));
  const vision = measureVisionEncoder(encoder, metrics.image);
  const { fingerprint, tokensPerImage } = vision;
  const memory = createMemoryEmbeddingCache({ maxBytes: config.embeddingCacheBytes });
  const cache = measureEmbeddingCache(memory, metrics.cache('embedding', 'process'), now);
  const store = createMemoryImageStore({ maxBytes: config.imageStoreBytes });
  const queue = new MemoryEncodeQueue({ observer: metrics.queue });
  metrics.queue.observeBacklog(() => queue.backlog());
  parts.defer(() => queue.close());
  const consumer = queue.consume(traceEncodeHandler(createEncodeHandler({ vision, store, cache }), tracer), {
    maxCost: tokensPerImage * config.visionBatch,
    maxJobs: config.visionBatch,
    // While one batch is being encoded, the pictures of the next are decoded.
    maxInFlight: 2,
    lingerMs: 0,
  });
  parts.defer(() => consumer.close());
  const resolveEmbedding = (key: string) => cache.get(key);
  const { engine, release } = await startEngine(
    bundle,
    config,
    { resolveEmbedding, observer: metrics.engine },
    context,
  );
  parts.defer(release);
  metrics.engine.observeLoad(() => engine.load);

  const resolver = createImageResolver({
    fetcher: traceImageFetcher(openImageFetcher(config, metrics.imageFetches), tracer),
    cache,
    store,
    queue: traceEncodeProducer(queue, tracer, Date.now),
    around: measureImageStages(metrics.chat, now),
    encoder: {
      fingerprint,
      tokensPerImage,
      encode: ({ bytes }, callSignal) => encodePicture(vision, bytes, callSignal),
    },
  });
  const images = traceImageResolver(resolver, tracer);
  // Where nobody needs a key, whoever reaches this process shares it.
  const scopeOf = config.apiKeysFile === undefined ? () => SHARED_SCOPE : tenantScope;
  const imageService = createImageService({ images, store, scopeOf });
  const chatService = await openBundleChat(bundle, {
    images,
    decoder: traceDecoder(engine, tracer, 'engine', Date.now),
    scopeOf,
    maxImages: config.maxImagesPerRequest,
  });
  onProgress(`Warming up ${modelPlanOf(config).modelName}`);
  await warmUp(chatService);
  const loaded = parts.move();
  return { chatService, imageService, stores: data, release: () => loaded.disposeAsync() };
};
