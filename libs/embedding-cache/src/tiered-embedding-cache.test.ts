import type { ImageEmbedding } from '@eidetic/core';
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

it('keeps what is set in every tier', async () => {
  const { near, far, tiered } = setUp();
  await tiered.set('k', embedding);
  expect(await near.get('k')).toEqual(embedding);
  expect(await far.get('k')).toEqual(embedding);
});

it('misses what no tier has', async () => {
  expect(await setUp().tiered.get('k')).toBeUndefined();
});
