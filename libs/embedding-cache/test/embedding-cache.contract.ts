import { type EmbeddingCache, embeddingKey, SHARED_SCOPE, tenantScope } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { embeddingOf } from './fixtures.ts';

const PICTURE = 'ab'.repeat(32);

/** What every embedding cache does. `open` gives one that may hold what was kept before. */
export function describeEmbeddingCache(name: string, open: () => EmbeddingCache): void {
  let keys = 0;
  const fresh = (): string => `${name}:${keys++}`;

  describe(`${name}, as an embedding cache`, () => {
    it('answers with what was set, bit for bit', async () => {
      const cache = open();
      const key = fresh();
      await cache.set(key, embeddingOf(1, 64, 320));
      expect(await cache.get(key)).toEqual(embeddingOf(1, 64, 320));
      expect(await cache.get(key)).toEqual(embeddingOf(1, 64, 320));
    });

    it('misses what was never set', async () => {
      expect(await open().get(fresh())).toBeUndefined();
    });

    it('answers with what was set last', async () => {
      const cache = open();
      const key = fresh();
      await cache.set(key, embeddingOf(1));
      await cache.set(key, embeddingOf(2, 4, 5));
      expect(await cache.get(key)).toEqual(embeddingOf(2, 4, 5));
    });

    it('keeps a view on a larger buffer as the numbers that it shows', async () => {
      const cache = open();
      const key = fresh();
      const batch = Float32Array.from({ length: 30 }, (_, i) => i / 7);
      await cache.set(key, { ...embeddingOf(1), data: batch.subarray(6, 12) });
      expect((await cache.get(key))?.data).toEqual(batch.slice(6, 12));
    });

    it('gives each of many callers at once what is under their key', async () => {
      const cache = open();
      const mine = Array.from({ length: 20 }, fresh);
      await Promise.all(mine.map((key, i) => cache.set(key, embeddingOf(i))));
      const asked = [...mine, ...mine];
      const found = await Promise.all(asked.map((key) => cache.get(key)));
      expect(found).toEqual(asked.map((key) => embeddingOf(mine.indexOf(key))));
    });

    it('takes any text for a key, and tells keys apart', async () => {
      const cache = open();
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 5 }), async (ends) => {
          const base = fresh();
          await Promise.all(ends.map((end, i) => cache.set(base + end, embeddingOf(i))));
          const found = await Promise.all(ends.map((end) => cache.get(base + end)));
          expect(found).toEqual(ends.map((_, i) => embeddingOf(i)));
        }),
        { numRuns: 20 },
      );
    });

    it("finds one tenant's embedding for no other tenant, and not in the shared pool", async () => {
      const cache = open();
      const fingerprint = fresh();
      await cache.set(embeddingKey(tenantScope('acme'), fingerprint, PICTURE), embeddingOf(1));
      expect(await cache.get(embeddingKey(tenantScope('acme'), fingerprint, PICTURE))).toBeDefined();
      expect(await cache.get(embeddingKey(tenantScope('umbrella'), fingerprint, PICTURE))).toBeUndefined();
      expect(await cache.get(embeddingKey(SHARED_SCOPE, fingerprint, PICTURE))).toBeUndefined();
    });
  });
}
