import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createChatService, createImageResolver, openChatFamily } from '@eidetic/chat';
import { type LoadContext, type LoadedChat, warmUp } from '@eidetic/chat-server';
import { GREEDY, SHARED_SCOPE } from '@eidetic/core';
import { createMemoryEmbeddingCache, createMemoryImageStore } from '@eidetic/embedding-cache';
import { MemoryEncodeQueue, NO_OBSERVER } from '@eidetic/encode-queue';
import { createImagePool, DEFAULT_IMAGE_LIMITS } from '@eidetic/image';
import { loadBundle, modelPlanOf, startEngine } from '@eidetic/model-loader';
import { Environment } from '@eidetic/ort';
import { createPreprocess } from '@eidetic/qwen-vl';
import { measureVisionEncoder } from '@eidetic/telemetry';
import { createEncodeHandler, createVisionEncoder } from '@eidetic/vision';
import type { StandaloneConfig } from './config.ts';
import type { Metrics } from './metrics.ts';

/** A clock in milliseconds. */
const now = (): number => performance.now();

/**
 * Converts the checkpoint unless that has been done before, loads its two graphs and puts the chat service together.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export const loadModel = async (
  config: StandaloneConfig,
  { metrics, onProgress, signal }: LoadContext & { readonly metrics: Metrics },
): Promise<LoadedChat> => {
  const { modelName, threads } = modelPlanOf(config);
  const bundle = await loadBundle(config, { onProgress, signal });
  const { manifest } = bundle;
  const family = openChatFamily(manifest, await readFile(bundle.path(manifest.tokenizer.file)));

  await using parts = new AsyncDisposableStack();
  const imageLimits = { ...DEFAULT_IMAGE_LIMITS, maxBytes: config.maxImageBytes, maxPixels: config.maxImagePixels };
  const pool = createImagePool({ threads: config.imageThreads, limits: imageLimits });
  parts.defer(() => pool.close());
  const vision = await createVisionEncoder({
    bundle,
    environment: Environment.load(),
    session: { intraOpThreads: threads },
    preprocess: createPreprocess(pool, manifest.vision.imageSize),
    maxBatch: config.visionBatch,
  });
  parts.defer(() => vision.close());
  const cache = createMemoryEmbeddingCache({ maxBytes: config.embeddingCacheBytes });
  const store = createMemoryImageStore({ maxBytes: config.imageStoreBytes });
  const measured = measureVisionEncoder(vision, metrics.image);
  const queue = new MemoryEncodeQueue({ observer: NO_OBSERVER });
  parts.defer(() => queue.close());
  const consumer = queue.consume(createEncodeHandler({ vision: measured, store, cache }), {
    maxCost: vision.tokensPerImage * config.visionBatch,
    maxJobs: config.visionBatch,
    // While one batch is being encoded, the pictures of the next are decoded.
    maxInFlight: 2,
    lingerMs: 0,
  });
  parts.defer(() => consumer.close());
  const resolveEmbedding = (key: string) => cache.get(key);
  const { engine, release } = await startEngine(bundle, config, { resolveEmbedding, observer: metrics.engine });
  parts.defer(release);
  metrics.engine.observeLoad(() => engine.load);

  const { temperature, topP, topK, repetitionPenalty, maxNewTokens } = manifest.generation;
  const chatService = createChatService({
    model: manifest.name,
    family,
    images: createImageResolver({ vision: measured, cache, store, queue }),
    decoder: engine,
    // Whoever reaches this process shares it.
    scopeOf: () => SHARED_SCOPE,
    limits: { maxImages: config.maxImagesPerRequest },
    defaults: { sampling: { ...GREEDY, temperature, topP, topK, repetitionPenalty }, maxTokens: maxNewTokens },
    now,
    randomSeed: () => randomInt(2 ** 47),
  });
  onProgress(`Warming up ${modelName}`);
  await warmUp(chatService);
  const loaded = parts.move();
  return { chatService, release: () => loaded.disposeAsync() };
};
