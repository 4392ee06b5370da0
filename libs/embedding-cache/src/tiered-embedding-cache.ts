import type { EmbeddingCache } from '@eidetic/core';

/** Caches in one, quickest first. What is found in one is kept in those before it; what is set is set in all. */
export const createTieredEmbeddingCache = (tiers: readonly EmbeddingCache[]): EmbeddingCache => ({
  async get(key) {
    for (const [i, tier] of tiers.entries()) {
      const embedding = await tier.get(key);
      if (!embedding) continue;
      await Promise.all(tiers.slice(0, i).map((quicker) => quicker.set(key, embedding)));
      return embedding;
    }
    return undefined;
  },
  async set(key, embedding) {
    await Promise.all(tiers.map((tier) => tier.set(key, embedding)));
  },
});
