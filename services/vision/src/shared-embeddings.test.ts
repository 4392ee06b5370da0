import type { CacheObserver, CacheWriteOutcome, EmbeddingCache, ImageEmbedding } from '@eidetic/core';
import { expect, it } from 'vitest';
import { WriteOutcomes } from './shared-embeddings.ts';

const embedding: ImageEmbedding = { data: Float32Array.of(1), tokens: 1, hidden: 1, imageWidth: 1, imageHeight: 1 };

/** A cache whose writes end when the test says so, and how it says. */
const heldCache = (observer: CacheObserver) => {
  const writes = new Map<string, (outcome: CacheWriteOutcome) => void>();
  const cache: EmbeddingCache = {
    get: async () => embedding,
    async set(key) {
      const outcome = await new Promise<CacheWriteOutcome>((resolve) => writes.set(key, resolve));
      observer.write({ outcome, durationMs: 1 });
    },
  };
  return { cache, end: (key: string, outcome: CacheWriteOutcome) => writes.get(key)?.(outcome) };
};

it('tells each of several writers at once how its own write ended, and the observer of all', async () => {
  const observed: CacheWriteOutcome[] = [];
  const outcomes = new WriteOutcomes();
  const observer = outcomes.observing({ read: () => {}, write: ({ outcome }) => observed.push(outcome) });
  const { cache, end } = heldCache(observer);
  const shared = outcomes.of(cache);
  const puts = ['a', 'b', 'c'].map((key) => shared.put(key, embedding));
  end('c', 'stored');
  end('a', 'full');
  end('b', 'timeout');
  expect(await Promise.all(puts)).toEqual(['full', 'timeout', 'stored']);
  expect(observed).toEqual(['stored', 'full', 'timeout']);
});

it('looks up as the cache does', async () => {
  const outcomes = new WriteOutcomes();
  const { cache } = heldCache(outcomes.observing({ read: () => {}, write: () => {} }));
  expect(await outcomes.of(cache).get('a')).toBe(embedding);
});
