import type { ImageEmbedding } from './vision-encoder.ts';

/** Embeddings by key (`<encoder fingerprint>:<sha256 of the picture's bytes>`). A failing cache answers with misses. */
export interface EmbeddingCache {
  get(key: string): Promise<ImageEmbedding | undefined>;
  set(key: string, embedding: ImageEmbedding): Promise<void>;
}
