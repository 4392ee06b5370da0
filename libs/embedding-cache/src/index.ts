export {
  createMemoryEmbeddingCache,
  type EmbeddingCacheStats,
  type MemoryEmbeddingCache,
} from './memory-embedding-cache.ts';
export { createTieredEmbeddingCache } from './tiered-embedding-cache.ts';
