import type { EmbeddingCache, ImageEmbedding } from '@eidetic/core';
import { expect, it } from 'vitest';
import { createMemoryEmbeddingCache } from './memory-embedding-cache.ts';
import { createTieredEmbeddingCache } from './tiered-embedding-cache.ts';

const embedding: ImageEmbedding = { data: Float32Array.of(1, 2), tokens: 1, hidden: 2, imageWidth: 3, imageHeight: 4 };

const setUp = () => {
  const [near, far] = [createMemoryEmbeddingCache({ maxBytes: 1000 }), createMemoryEmbeddingCache({ maxBytes: 1000 })];
  return { near, far, tiered: createTieredEmbeddingCache([near, far]) };
};

it('finds what a later tier has, and asks it once', async () => {
  const { far, tiered } = setUp();
  await far.set('k', embedding);
  expect(await tiered.get('k')).toEqual(embedding);
  expect(await tiered.get('k')).toEqual(embedding);
  expect(far.stats()).toMatchObject({ hits: 1, misses: 0 });
});

it('asks a later tier once for all who want a key at the same time', async () => {
  const { far, tiered } = setUp();
  await far.set('k', embedding);
  const found = await Promise.all(['k', 'k', 'other', 'k', 'other'].map((key) => tiered.get(key)));
  expect(found).toEqual([embedding, embedding, undefined, embedding, undefined]);
  expect(far.stats()).toMatchObject({ hits: 1, misses: 1 });
});

it('asks again for what was missed before', async () => {
  const { far, tiered } = setUp();
  expect(await tiered.get('k')).toBeUndefined();
  await far.set('k', embedding);
  expect(await tiered.get('k')).toEqual(embedding);
});

it('keeps what is set in every tier', async () => {
  const { near, far, tiered } = setUp();
  await tiered.set('k', embedding);
  expect(await near.get('k')).toEqual(embedding);
  expect(await far.get('k')).toEqual(embedding);
});

it('lets no one wait for a write to a later tier', async () => {
  const { near } = setUp();
  const { promise: written, resolve: write } = Promise.withResolvers<'stored'>();
  const far: EmbeddingCache = { get: async () => undefined, set: () => written };
  const tiered = createTieredEmbeddingCache([near, far]);
  await tiered.set('k', embedding);
  expect(await tiered.get('k')).toEqual(embedding);
  write('stored');
});

it('finds what was set while a look-up was under way', async () => {
  const { near } = setUp();
  const { promise: answer, resolve: miss } = Promise.withResolvers<undefined>();
  const far: EmbeddingCache = { get: () => answer, set: async () => 'dropped' };
  const tiered = createTieredEmbeddingCache([near, far]);
  const early = tiered.get('k');
  await tiered.set('k', embedding);
  const late = tiered.get('k');
  miss(undefined);
  expect(await Promise.all([early, late])).toEqual([undefined, embedding]);
  expect(await tiered.get('k')).toEqual(embedding);
});

it('misses what no tier has', async () => {
  expect(await setUp().tiered.get('k')).toBeUndefined();
});
