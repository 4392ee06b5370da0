import type { CacheObserver, EmbeddingCache } from '@eidetic/core';

/**
 * The same cache, whose look-ups are told. For one in memory, which cannot fail; shared ones tell more themselves.
 *
 * @param now a clock in milliseconds.
 */
export const measureEmbeddingCache = (
  cache: EmbeddingCache,
  { read }: Pick<CacheObserver, 'read'>,
  now: () => number,
): EmbeddingCache => ({
  async get(key) {
    const startMs = now();
    const embedding = await cache.get(key);
    read({ outcome: embedding === undefined ? 'miss' : 'hit', durationMs: now() - startMs });
    return embedding;
  },
  set: (key, embedding) => cache.set(key, embedding),
});
