import type { CacheObserver, EmbeddingCache, ImageStore } from '@eidetic/core';
import { createRedisEmbeddingCache } from './redis-embedding-cache.ts';
import { createRedisImageStore } from './redis-image-store.ts';
import { RedisStore, type RedisStoreOptions } from './redis-store.ts';
import type { SharedCacheConfig } from './settings.ts';

/** What the processes of a cluster share. */
export interface SharedCaches extends AsyncDisposable {
  readonly embeddings: EmbeddingCache;
  readonly images: ImageStore;
}

/** Whom to tell of calls and of the connection. */
export interface SharedCacheObservers extends Pick<RedisStoreOptions, 'onConnection'> {
  readonly embedding: CacheObserver;
  readonly image: CacheObserver;
}

const wholeSeconds = (ms: number): number => Math.floor(ms / 1000);

/** Connects with the Redis at `url`, whether it is up or not: what is down has nothing, until it is back. */
export const openSharedCaches = async (
  url: string,
  config: SharedCacheConfig,
  { embedding, image, onConnection }: SharedCacheObservers,
): Promise<SharedCaches> => {
  const store = await RedisStore.connect({
    url,
    timeoutMs: config.cacheTimeoutMs,
    maxWriteBytes: config.cacheWriteBytes,
    ...(onConnection && { onConnection }),
  });
  const now = (): number => performance.now();
  const [embeddingSeconds, imageSeconds] = [wholeSeconds(config.embeddingTtlMs), wholeSeconds(config.imageTtlMs)];
  return {
    embeddings: createRedisEmbeddingCache({ store, now, ttlSeconds: embeddingSeconds, observer: embedding }),
    images: createRedisImageStore({ store, now, ttlSeconds: imageSeconds, observer: image }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
};
