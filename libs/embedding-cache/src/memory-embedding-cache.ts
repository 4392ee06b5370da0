import type { EmbeddingCache, ImageEmbedding } from '@eidetic/core';
import { createByteLru } from './byte-lru.ts';

/** What a cache holds, and what it did since it was made. */
export interface EmbeddingCacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly hits: number;
  readonly misses: number;
}

/** Embeddings in this process's memory. */
export interface MemoryEmbeddingCache extends EmbeddingCache {
  stats(): EmbeddingCacheStats;
}

/**
 * Keeps at most `maxBytes` of embeddings, the least recently used leave first. An embedding larger than `maxBytes` is
 * not kept, and with 0 none is. A view on a larger buffer is copied: else the whole buffer would stay and not be counted.
 */
export function createMemoryEmbeddingCache(options: { readonly maxBytes: number }): MemoryEmbeddingCache {
  const { maxBytes } = options;
  const embeddings = createByteLru<ImageEmbedding>(maxBytes, ({ data }) => data.byteLength);
  let hits = 0;
  let misses = 0;
  return {
    async get(key) {
      const embedding = embeddings.get(key);
      if (embedding === undefined) misses++;
      else hits++;
      return embedding;
    },
    async set(key, embedding) {
      const { data } = embedding;
      const owned = data.byteLength === data.buffer.byteLength;
      const kept = embeddings.set(key, owned ? embedding : { ...embedding, data: data.slice() });
      return kept ? 'stored' : 'dropped';
    },
    stats: () => ({ entries: embeddings.entries, bytes: embeddings.bytes, maxBytes, hits, misses }),
  };
}
