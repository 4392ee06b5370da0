export {
  createMemoryEmbeddingCache,
  type EmbeddingCacheStats,
  type MemoryEmbeddingCache,
} from './memory-embedding-cache.ts';
