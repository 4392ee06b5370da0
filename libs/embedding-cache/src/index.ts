export {
  createMemoryEmbeddingCache,
  type EmbeddingCacheStats,
  type MemoryEmbeddingCache,
} from './memory-embedding-cache.ts';
export { createMemoryImageStore } from './memory-image-store.ts';
export { openSharedCaches, type SharedCacheObservers, type SharedCaches } from './open-shared-caches.ts';
export type { RedisCacheOptions } from './redis-cache-options.ts';
export { createRedisEmbeddingCache } from './redis-embedding-cache.ts';
export { createRedisImageStore } from './redis-image-store.ts';
export { RedisStore, type RedisStoreOptions } from './redis-store.ts';
export { SHARED_CACHE_SETTINGS, type SharedCacheConfig } from './settings.ts';
export { createTieredEmbeddingCache } from './tiered-embedding-cache.ts';
