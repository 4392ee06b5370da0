import type { CacheWriteOutcome } from './cache-observer.ts';
import type { ImageEmbedding } from './vision-encoder.ts';

/** Embeddings by key (`embeddingKey` makes them). A failing cache answers with misses; neither call ever rejects. */
export interface EmbeddingCache {
  get(key: string): Promise<ImageEmbedding | undefined>;
  /** Resolves to how the write ended: once the embedding is found by `get` (`stored`), or it is clear that it will not be kept. */
  set(key: string, embedding: ImageEmbedding): Promise<CacheWriteOutcome>;
}
