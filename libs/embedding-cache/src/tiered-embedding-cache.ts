import type { CacheWriteOutcome, EmbeddingCache, ImageEmbedding } from '@eidetic/core';

/**
 * Caches in one, quickest first. What is found in one is kept in those before it, and those who ask for a key at the same time
 * share one look-up. What is set is set in all; `set` waits for the first alone, from which it is found from then on: the slower
 * ones, of which each bounds its own writes, keep no request waiting. Whoever tells another process that an embedding is there
 * sets it in the cache that they share, and waits for that.
 */
export function createTieredEmbeddingCache(tiers: readonly EmbeddingCache[]): EmbeddingCache {
  const lookups = new Map<string, Promise<ImageEmbedding | undefined>>();

  const lookUp = async (key: string): Promise<ImageEmbedding | undefined> => {
    for (const [i, tier] of tiers.entries()) {
      const embedding = await tier.get(key);
      if (!embedding) continue;
      await keep(tiers.slice(0, i), key, embedding);
      return embedding;
    }
    return undefined;
  };

  return {
    get(key) {
      const running = lookups.get(key);
      if (running !== undefined) return running;
      const lookup = lookUp(key).finally(() => {
        if (lookups.get(key) === lookup) lookups.delete(key);
      });
      lookups.set(key, lookup);
      return lookup;
    },
    set(key, embedding) {
      // Who asks from now on must find it: the look-up under way may have missed it already.
      lookups.delete(key);
      return keep(tiers, key, embedding);
    },
  };
}

/** Resolves to what became of it in the first. Caches never reject. */
async function keep(
  tiers: readonly EmbeddingCache[],
  key: string,
  embedding: ImageEmbedding,
): Promise<CacheWriteOutcome> {
  const [first] = tiers.map((tier) => tier.set(key, embedding));
  return (await first) ?? 'dropped';
}
