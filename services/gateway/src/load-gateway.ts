import { setTimeout as delay } from 'node:timers/promises';
import { createImageResolver } from '@eidetic/chat';
import { type LoadContext, type LoadedChat, openBundleChat, warmUp } from '@eidetic/chat-server';
import { EideticError, type EmbeddingCache, SHARED_SCOPE, tenantScope } from '@eidetic/core';
import { DecoderPool } from '@eidetic/decoder-pool';
import { createMemoryEmbeddingCache, createTieredEmbeddingCache, openSharedCaches } from '@eidetic/embedding-cache';
import { RedisEncodeConsumer, RedisEncodeProducer } from '@eidetic/encode-queue';
import { parseAddresses } from '@eidetic/endpoints';
import { loadBundle, modelPlanOf } from '@eidetic/model-loader';
import {
  measureEmbeddingCache,
  measureImageStages,
  traceDecoder,
  traceEncodeHandler,
  traceEncodeProducer,
  traceImageResolver,
} from '@eidetic/telemetry';
import { atMostEvery } from './at-most-every.ts';
import type { GatewayConfig } from './config.ts';
import type { Metrics } from './metrics.ts';
import { encodeHandler, VisionPool } from './vision-pool.ts';

/** What a gateway is loaded with. */
export interface GatewayContext extends LoadContext {
  readonly metrics: Metrics;
  /** For the log: something is not as it should be, or is again. */
  readonly onTrouble: (message: string, reason?: Error) => void;
}

/** A clock in milliseconds. */
const now = (): number => performance.now();

/** Time between two lines of the log that say that the queue is away. */
const TELL_AGAIN_MS = 10_000;

/** Time between two attempts to reach what is not there yet. */
const RETRY_MS = 1000;

/**
 * Connects with the Redis of the queue, the Redis of the caches, vision encoders and decoders, waiting for those that are not there
 * yet, and puts the chat service together.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export const loadGateway = async (config: GatewayConfig, context: GatewayContext): Promise<LoadedChat> => {
  const { metrics, onProgress, onTrouble, signal, tracer } = context;
  const { modelName } = modelPlanOf(config);
  const bundle = await loadBundle(config, { onProgress, signal });
  const { fingerprint, tokensPerImage } = bundle.manifest.vision;
  const endpoints = { resolveIntervalMs: config.resolveIntervalMs };
  await using parts = new AsyncDisposableStack();

  const shared = parts.use(
    await openSharedCaches(config.cacheRedisUrl, config, {
      embedding: metrics.cache('embedding', 'redis'),
      image: metrics.cache('image', 'redis'),
      onConnection: (connected, reason) =>
        onTrouble(
          connected ? 'The cache is connected.' : 'The cache is not connected: pictures are encoded anew.',
          reason,
        ),
    }),
  );
  const memory = createMemoryEmbeddingCache({ maxBytes: config.embeddingCacheBytes });
  const measured = measureEmbeddingCache(memory, metrics.cache('embedding', 'process'), now);
  const cache = createTieredEmbeddingCache([measured, shared.embeddings]);

  onProgress(`Waiting for vision encoders at ${config.visionEncoders}`);
  const visionAddresses = parseAddresses(config.visionEncoders);
  const vision = parts.use(
    await VisionPool.create(
      {
        resolve: visionAddresses,
        settings: endpoints,
        observer: metrics.endpoints('vision'),
        fingerprint,
        tokensPerImage,
      },
      signal,
    ),
  );
  onProgress(`Waiting for decoders at ${config.decoders}`);
  const decoder = parts.use(
    await DecoderPool.create(
      {
        resolve: parseAddresses(config.decoders),
        patienceMs: config.decoderPatienceMs,
        endpoints,
        observer: metrics.decoderPool,
        endpointObserver: metrics.endpoints('decoder'),
      },
      signal,
    ),
  );
  if (decoder.model.source !== bundle.manifest.source) {
    const message = `The decoders serve another version of ${modelName} than this gateway: start both on the same model.`;
    throw new EideticError('invalid_config', message);
  }
  const queue = await openQueue(config, { ...context, cache, vision });
  parts.use(queue);

  const images = createImageResolver({
    cache,
    store: shared.images,
    queue: traceEncodeProducer(queue.producer, tracer, Date.now),
    encoder: vision,
    around: measureImageStages(metrics.chat, now),
  });
  const chatService = await openBundleChat(bundle, {
    images: traceImageResolver(images, tracer),
    decoder: traceDecoder(decoder, tracer, 'caller', Date.now),
    scopeOf: (tenant) => (config.sharedPool ? SHARED_SCOPE : tenantScope(tenant)),
    maxImages: config.maxImagesPerRequest,
  });
  onProgress(`Warming up ${modelName}`);
  await warmUp(chatService);
  const loaded = parts.move();
  return { chatService, release: () => loaded.disposeAsync() };
};

interface QueueParts extends GatewayContext {
  readonly cache: EmbeddingCache;
  readonly vision: VisionPool;
}

/** Both sides of the encode queue: this process asks for pictures to be encoded, and has its share of all of them encoded. */
const openQueue = async (
  config: GatewayConfig,
  { cache, vision, metrics, onProgress, onTrouble, signal, tracer }: QueueParts,
) => {
  const { queueRedisUrl: url, queuePrefix: prefix, encodeLockMs, encodeBatch } = config;
  // While Redis is away, each attempt of each connection fails: dozens of lines a second would say the same.
  const tellSeldom = atMostEvery(TELL_AGAIN_MS, now, (error: Error) =>
    onTrouble('The queue cannot be reached.', error),
  );
  const observer = {
    ...metrics.queue,
    failed(error: Error) {
      metrics.queue.failed(error);
      tellSeldom(error);
    },
  };
  onProgress('Waiting for the queue');
  const findEmbedding = async (key: string) => (await cache.get(key))?.tokens;
  const producerOptions = { url, prefix, observer, findEmbedding, unavailableAfterMs: config.queuePatienceMs };
  const producer = await untilThere(() => RedisEncodeProducer.open(producerOptions), signal);
  metrics.queue.observeBacklog(() => producer.backlog());
  const consumer = await untilThere(
    () =>
      RedisEncodeConsumer.open({
        url,
        prefix,
        observer,
        handler: traceEncodeHandler(encodeHandler(vision, cache), tracer),
        limits: {
          maxCost: vision.tokensPerImage * encodeBatch,
          maxJobs: encodeBatch,
          maxInFlight: config.encodesInFlight,
          lingerMs: config.encodeLingerMs,
        },
        locks: { lockMs: encodeLockMs, stalledCheckMs: encodeLockMs / 2, maxTakeovers: 1 },
      }),
    signal,
  );
  return {
    producer,
    async [Symbol.asyncDispose]() {
      await consumer.close();
      await producer.close();
    },
  };
};

/** Opens what may not be there yet. */
const untilThere = async <T>(open: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  for (;;) {
    try {
      return await open();
    } catch (reason) {
      if (EideticError.from(reason).code !== 'unavailable') throw reason;
      signal.throwIfAborted();
      await delay(RETRY_MS, undefined, { signal });
    }
  }
};
