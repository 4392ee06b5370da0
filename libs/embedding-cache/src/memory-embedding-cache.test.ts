import type { ImageEmbedding } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { createMemoryEmbeddingCache } from './memory-embedding-cache.ts';

const embedding = (data: Float32Array): ImageEmbedding => ({
  data,
  tokens: 1,
  hidden: data.length,
  imageWidth: 640,
  imageHeight: 480,
});
const ofBytes = (bytes: number): ImageEmbedding => embedding(new Float32Array(bytes / 4).fill(bytes));

describe('createMemoryEmbeddingCache', () => {
  it('answers with what was set, and counts', async () => {
    const cache = createMemoryEmbeddingCache({ maxBytes: 100 });
    const kept = ofBytes(40);
    expect(await cache.get('a')).toBeUndefined();
    await cache.set('a', kept);
    expect(await cache.get('a')).toEqual(kept);
    expect(await cache.get('b')).toBeUndefined();
    expect(cache.stats()).toEqual({ entries: 1, bytes: 40, maxBytes: 100, hits: 1, misses: 2 });
  });

  it('never holds more than maxBytes: the least recently used leaves', async () => {
    const cache = createMemoryEmbeddingCache({ maxBytes: 100 });
    await cache.set('a', ofBytes(40));
    await cache.set('b', ofBytes(40));
    await cache.get('a');
    await cache.set('c', ofBytes(40));
    expect(await cache.get('b')).toBeUndefined();
    expect(await cache.get('a')).toBeDefined();
    expect(await cache.get('c')).toBeDefined();
    expect(cache.stats()).toMatchObject({ entries: 2, bytes: 80 });
  });

  it('counts an overwritten entry once', async () => {
    const cache = createMemoryEmbeddingCache({ maxBytes: 100 });
    await cache.set('a', ofBytes(40));
    await cache.set('a', ofBytes(60));
    expect(cache.stats()).toMatchObject({ entries: 1, bytes: 60 });
  });

  it('does not keep what is larger than the whole cache, nor throws anything out for it', async () => {
    const cache = createMemoryEmbeddingCache({ maxBytes: 100 });
    await cache.set('a', ofBytes(40));
    await cache.set('b', ofBytes(104));
    expect(await cache.get('b')).toBeUndefined();
    expect(await cache.get('a')).toBeDefined();
  });

  it('keeps nothing when it may hold nothing', async () => {
    const cache = createMemoryEmbeddingCache({ maxBytes: 0 });
    await cache.set('a', ofBytes(4));
    expect(await cache.get('a')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0, maxBytes: 0 });
  });

  it('does not hold on to the larger buffer that an embedding is a view of', async () => {
    const cache = createMemoryEmbeddingCache({ maxBytes: 100 });
    const batch = Float32Array.from({ length: 1000 }, (_, i) => i);
    await cache.set('a', embedding(batch.subarray(10, 20)));
    const kept = await cache.get('a');
    expect(kept?.data).toEqual(batch.slice(10, 20));
    expect(kept?.data.buffer.byteLength).toBe(40);
  });
});
