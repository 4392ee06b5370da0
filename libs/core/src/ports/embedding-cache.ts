import type { ImageEmbedding } from './vision-encoder.ts';

/** Embeddings by key (`embeddingKey` makes them). A failing cache answers with misses; neither call ever rejects. */
export interface EmbeddingCache {
  get(key: string): Promise<ImageEmbedding | undefined>;
  /** Resolves once the embedding is found by `get`, or it is clear that it will not be kept. */
  set(key: string, embedding: ImageEmbedding): Promise<void>;
}
