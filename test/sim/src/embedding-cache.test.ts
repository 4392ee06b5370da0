import { describe, expect, it } from 'vitest';
import { EmbeddingCache } from './embedding-cache.ts';
import { Random, zipf } from './random.ts';

/** Share of uses that an LRU cache has under independent references (Che, Tung and Wang 2002). */
const cheHitRate = (count: number, exponent: number, capacity: number): number => {
  const weights = Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent);
  const sum = weights.reduce((a, b) => a + b, 0);
  const shares = weights.map((weight) => weight / sum);
  let [low, high] = [0, 1e9];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    const filled = shares.reduce((total, share) => total + 1 - Math.exp(-share * middle), 0);
    if (filled < capacity) low = middle;
    else high = middle;
  }
  return shares.reduce((total, share) => total + share * (1 - Math.exp(-share * low)), 0);
};

const hitRate = (policy: 'lru' | 'lfu', capacity: number): number => {
  const cache = new EmbeddingCache({ capacity, policy, ttlMs: Number.POSITIVE_INFINITY }, new Random(3));
  const random = new Random(4);
  const rank = zipf(5000, 0.9);
  let hits = 0;
  for (let i = 0; i < 300_000; i++) {
    const key = rank(random);
    const isHit = cache.get(key, i * 10);
    if (!isHit) cache.set(key, i * 10);
    if (isHit && i >= 100_000) hits++;
  }
  return hits / 200_000;
};

describe('a simulated embedding cache', () => {
  it.each([50, 250, 1000])(
    'that forgets the least recently used has the hit rate of theory with room for %i',
    (capacity) => {
      expect(Math.abs(hitRate('lru', capacity) - cheHitRate(5000, 0.9, capacity))).toBeLessThan(0.005);
    },
  );

  it('that forgets the least used keeps popular pictures better', () => {
    expect(hitRate('lfu', 250)).toBeGreaterThan(hitRate('lru', 250) + 0.02);
  });

  it('never holds more than fits', () => {
    const cache = new EmbeddingCache({ capacity: 3, policy: 'lfu', ttlMs: 1000 }, new Random(1));
    for (let key = 0; key < 100; key++) cache.set(key, key);
    expect(cache.size).toBe(3);
  });

  it('forgets what was not used for the time to live', () => {
    const cache = new EmbeddingCache({ capacity: 3, policy: 'lru', ttlMs: 1000 }, new Random(1));
    cache.set(7, 0);
    expect(cache.get(7, 900)).toBe(true);
    expect(cache.get(7, 1900)).toBe(true);
    expect(cache.get(7, 2901)).toBe(false);
  });
});
