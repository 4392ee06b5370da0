import type { ImageStore } from '@eidetic/core';
import { openSharedCaches, type SharedCacheConfig } from '@eidetic/embedding-cache';
import type { LoadHooks } from '@eidetic/rpc-service';
import type { createCacheMetrics } from '@eidetic/telemetry';
import { type SharedEmbeddings, WriteOutcomes } from './shared-embeddings.ts';

/** What the processes of a cluster share. */
export interface ConnectedCaches extends AsyncDisposable {
  readonly embeddings: SharedEmbeddings;
  readonly images: ImageStore;
}

/** Connects with the Redis at `url`, down or not. */
export const connectCaches = async (
  url: string,
  config: SharedCacheConfig,
  metrics: ReturnType<typeof createCacheMetrics>,
  logger: LoadHooks['logger'],
): Promise<ConnectedCaches> => {
  const outcomes = new WriteOutcomes();
  const caches = await openSharedCaches(url, config, {
    embedding: outcomes.observing(metrics('embedding')),
    image: metrics('image'),
    onConnection(connected, reason) {
      if (connected) logger.info('The shared cache is connected.');
      else logger.warn({ err: reason }, 'The shared cache is not connected: embeddings go to the callers.');
    },
  });
  return {
    embeddings: outcomes.of(caches.embeddings),
    images: caches.images,
    [Symbol.asyncDispose]: () => caches[Symbol.asyncDispose](),
  };
};
