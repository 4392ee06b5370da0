import type { Bundle } from '@eidetic/bundle';
import { createImageResolver, createImageService } from '@eidetic/chat';
import { type LoadedChat, openBundleChat, warmUp } from '@eidetic/chat-server';
import { type CacheScope, EideticError, SHARED_SCOPE, tenantScope } from '@eidetic/core';
import { DecoderPool } from '@eidetic/decoder-pool';
import { createMemoryEmbeddingCache, createTieredEmbeddingCache, openSharedCaches } from '@eidetic/embedding-cache';
import { parseAddresses } from '@eidetic/endpoints';
import { openImageFetcher } from '@eidetic/image-fetcher';
import { loadBundle, modelPlanOf } from '@eidetic/model-loader';
import type { ChannelTls } from '@eidetic/rpc';
import {
  measureEmbeddingCache,
  measureImageStages,
  traceDecoder,
  traceEncodeProducer,
  traceImageFetcher,
  traceImageResolver,
} from '@eidetic/telemetry';
import { podCertificates } from '@eidetic/tls';
import type { GatewayConfig } from './config.ts';
import type { GatewayContext } from './gateway-context.ts';
import { openQueue } from './open-queue.ts';
import { openStores } from './open-stores.ts';
import { VisionPool } from './vision-pool.ts';

/** What connections to pods are made with. */
interface PodContext extends GatewayContext {
  readonly tls: ChannelTls | undefined;
}

/** A clock in milliseconds. */
const now = (): number => performance.now();

/**
 * Connects with the Redis of the queue, the Redis of the caches and decoders, waiting for those that are not there yet, begins to look for
 * vision encoders, and puts the chat service together.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export const loadGateway = async (config: GatewayConfig, context: GatewayContext): Promise<LoadedChat> => {
  const { metrics, onProgress, tracer } = context;
  const { modelName } = modelPlanOf(config);
  const bundle = await loadBundle(config, context, []);
  await using parts = new AsyncDisposableStack();
  const caches = parts.use(await openCaches(config, context));
  const tls = openPodTls(config, context);
  const vision = parts.use(openVision(config, { ...context, tls }, bundle));
  const decoder = parts.use(await openDecoders(config, { ...context, tls }, bundle));
  const queue = parts.use(await openQueue(config, { ...context, cache: caches.embeddings, vision }));

  const stores = parts.use(await openStores(config, context));

  const resolver = createImageResolver({
    fetcher: traceImageFetcher(openImageFetcher(config, metrics.imageFetches), tracer),
    cache: caches.embeddings,
    store: caches.images,
    queue: traceEncodeProducer(queue.producer, tracer, Date.now),
    encoder: vision,
    around: measureImageStages(metrics.chat, now),
  });
  const images = traceImageResolver(resolver, tracer);
  const scopeOf = (tenant: string): CacheScope => (config.sharedPool ? SHARED_SCOPE : tenantScope(tenant));
  const imageService = createImageService({ images, store: caches.images, scopeOf });
  const chatService = await openBundleChat(bundle, {
    images,
    decoder: traceDecoder(decoder, tracer, 'caller', Date.now),
    scopeOf,
    maxImages: config.maxImagesPerRequest,
  });
  onProgress(`Warming up ${modelName}`);
  // Without a picture: there may be no vision encoder.
  await warmUp(chatService, []);
  tellOfAbsence(vision, context);
  const loaded = parts.move();
  return { chatService, imageService, stores, release: () => loaded.disposeAsync() };
};

/** Embeddings in this process's memory and then in Redis; uploaded pictures in Redis. */
const openCaches = async (config: GatewayConfig, { metrics, onTrouble }: GatewayContext) => {
  const shared = await openSharedCaches(config.cacheRedisUrl, config, {
    embedding: metrics.cache('embedding', 'redis'),
    image: metrics.cache('image', 'redis'),
    onConnection: (connected, reason) =>
      onTrouble(
        connected ? 'The cache is connected.' : 'The cache is not connected: pictures are encoded anew.',
        reason,
      ),
  });
  const memory = createMemoryEmbeddingCache({ maxBytes: config.embeddingCacheBytes });
  const measured = measureEmbeddingCache(memory, metrics.cache('embedding', 'process'), now);
  return { ...shared, embeddings: createTieredEmbeddingCache([measured, shared.embeddings]) };
};

/** @throws EideticError `invalid_config` that names the setting, and the file that is of no use. */
const openPodTls = (config: GatewayConfig, { onTrouble }: GatewayContext): ChannelTls | undefined =>
  podCertificates(config, {
    onChange: (trouble) =>
      onTrouble(
        trouble
          ? 'Certificates for vision encoders and decoders have changed and are of no use; those before stay in use.'
          : 'Certificates for vision encoders and decoders have changed, and are used for connections from now on.',
        trouble,
      ),
  });

/** Waits for none of them: a gateway answers chats without new pictures before there is a vision encoder. */
const openVision = (config: GatewayConfig, { metrics, tls }: PodContext, { manifest }: Bundle): VisionPool => {
  const { fingerprint, tokensPerImage } = manifest.vision;
  return new VisionPool({
    resolve: parseAddresses(config.visionEncoders),
    tls,
    settings: { resolveIntervalMs: config.resolveIntervalMs },
    observer: metrics.endpoints('vision'),
    fingerprint,
    tokensPerImage,
    patienceMs: config.visionPatienceMs,
  });
};

/** Says when there is no vision encoder, and when there is one again. */
const tellOfAbsence = (vision: VisionPool, { onTrouble }: GatewayContext): void => {
  let wasThere = true;
  vision.follow((available) => {
    if (available !== wasThere)
      onTrouble(available ? 'There is a vision encoder.' : 'There is no vision encoder: new pictures wait for one.');
    wasThere = available;
  });
};

/** @throws EideticError `invalid_config` when the decoders serve another model than this gateway. */
const openDecoders = async (
  config: GatewayConfig,
  { metrics, onProgress, signal, tls }: PodContext,
  { manifest }: Bundle,
): Promise<DecoderPool> => {
  onProgress(`Waiting for decoders at ${config.decoders}`);
  const options = {
    resolve: parseAddresses(config.decoders),
    tls,
    patienceMs: config.podPatienceMs,
    endpoints: { resolveIntervalMs: config.resolveIntervalMs },
    observer: metrics.decoderPool,
    endpointObserver: metrics.endpoints('decoder'),
  };
  const pool = await DecoderPool.create(options, signal);
  if (pool.model.source === manifest.source) return pool;
  pool[Symbol.dispose]();
  const message = `The decoders serve another version of ${manifest.name} than this gateway: start both on the same model.`;
  throw new EideticError('invalid_config', message);
};
