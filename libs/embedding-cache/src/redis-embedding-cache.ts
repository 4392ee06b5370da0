import type { EmbeddingCache } from '@eidetic/core';
import { decodeEmbedding, encodeEmbedding } from './embedding-codec.ts';
import { embeddingName } from './keys.ts';
import type { RedisCacheOptions } from './redis-cache-options.ts';

/**
 * Embeddings that processes share. Only a value that is whole and was made for its key is served; whatever else happens is a
 * miss with an outcome that the observer is told. `set` resolves when the server has the value or it is given up, at the latest
 * after the store's time-out.
 */
export const createRedisEmbeddingCache = ({ store, ttlSeconds, observer, now }: RedisCacheOptions): EmbeddingCache => ({
  async get(key) {
    const from = now();
    const found = await store.read(embeddingName(key), ttlSeconds);
    const reading = found.outcome === 'found' ? decodeEmbedding(key, found.value) : found;
    observer.read({ outcome: reading.outcome, durationMs: now() - from });
    return reading.outcome === 'hit' ? reading.embedding : undefined;
  },
  async set(key, embedding) {
    const from = now();
    const outcome = await store.write(embeddingName(key), () => encodeEmbedding(key, embedding), ttlSeconds);
    observer.write({ outcome, durationMs: now() - from });
    return outcome;
  },
});
