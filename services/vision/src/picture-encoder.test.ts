import { hash } from 'node:crypto';
import {
  type CacheWriteOutcome,
  EideticError,
  type EmbeddingCache,
  embeddingKey,
  type ImageEmbedding,
  identifyImage,
  SHARED_SCOPE,
  type VisionEncoder,
} from '@eidetic/core';
import { createMemoryEmbeddingCache, createMemoryImageStore } from '@eidetic/embedding-cache';
import type { Picture } from '@eidetic/vision-rpc';
import { describe, expect, it } from 'vitest';
import { PictureBudget } from './picture-budget.ts';
import { PictureEncoder, type PictureEncoderParts } from './picture-encoder.ts';

const embeddingOf = (seed: number): ImageEmbedding => ({
  data: Float32Array.of(seed, 2),
  tokens: 1,
  hidden: 2,
  imageWidth: 3,
  imageHeight: 4,
});

const pictureOf = (content: string): Picture & { readonly bytes: Uint8Array } => {
  const bytes = Buffer.from(content);
  const imageId = hash('sha256', bytes, 'hex');
  return { key: embeddingKey(SHARED_SCOPE, 'f', imageId), imageId, scope: SHARED_SCOPE, bytes };
};

/** A shared cache that ends writes as it is told. */
const sharedThat = (outcome: CacheWriteOutcome) => {
  const kept = new Map<string, ImageEmbedding>();
  const shared: EmbeddingCache = {
    get: async (key) => kept.get(key),
    async set(key, embedding) {
      if (outcome === 'stored') kept.set(key, embedding);
      return outcome;
    },
  };
  return { kept, shared };
};

const setUp = (parts: Partial<PictureEncoderParts> & { encode?: VisionEncoder['encode'] } = {}) => {
  const told: string[] = [];
  const encoded: string[] = [];
  const encoder: VisionEncoder = {
    fingerprint: 'f',
    tokensPerImage: 1,
    async encode(images) {
      encoded.push(...images.map((bytes) => Buffer.from(bytes).toString()));
      return images.map(({ length }) => ({
        ok: true,
        embedding: embeddingOf(length),
        timings: { decodeMs: 2, preprocessMs: 1, encodeMs: 4, encodeShareMs: 4 },
      }));
    },
    ...(parts.encode && { encode: parts.encode }),
  };
  let clockMs = 0;
  const pictures = new PictureEncoder({
    encoder,
    hidden: 2,
    memory: createMemoryEmbeddingCache({ maxBytes: 1000 }),
    shared: undefined,
    store: undefined,
    maxPictures: 8,
    budget: new PictureBudget({ maxBytes: 10_000, decoders: 1, resultBytes: 0 }),
    maxImageBytes: 1000,
    pixelsOf: async ({ length }) => length,
    metrics: {
      lookedUp: (outcome) => told.push(outcome),
      stage: (stage, ms) => told.push(`${stage} ${ms}`),
    },
    // It moves on by 10 ms whenever it is read.
    now: () => {
      clockMs += 10;
      return clockMs;
    },
    onEncoded: () => told.push('encoded'),
    ...parts,
  });
  const { signal } = new AbortController();
  return { encoded, told, pictures, encode: (picture: Picture) => pictures.encode(picture, signal) };
};

describe('the memory of a picture encoder', () => {
  const large = { pixelsOf: async ({ length }: Uint8Array) => (length > 3 ? 200 : 1) };

  it('refuses a picture whose decoding does not fit beside the others, and takes it when they have ended', async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const encode: VisionEncoder['encode'] = async (images) => {
      await ended;
      return images.map(({ length }) => ({
        ok: true,
        embedding: embeddingOf(length),
        timings: { decodeMs: 0, preprocessMs: 0, encodeMs: 0, encodeShareMs: 0 },
      }));
    };
    const budget = new PictureBudget({ maxBytes: 1000, decoders: 1, resultBytes: 0 });
    const { encode: ask, pictures } = setUp({ ...large, encode, budget });
    const small = ask(pictureOf('abc'));
    await expect(ask(pictureOf('large'))).rejects.toMatchObject({
      code: 'overloaded',
      details: { retryAfterMs: expect.any(Number) },
    });
    expect(pictures.pictures).toBe(1);
    end();
    await small;
    expect(budget.usedBytes).toBe(0);
    await ask(pictureOf('large'));
    expect(budget.usedBytes).toBe(0);
  });

  it('keeps room for the largest picture while it fetches one', async () => {
    const { promise: fetched, resolve: fetch } = Promise.withResolvers<Uint8Array>();
    const store = { get: () => fetched, set: async () => {} };
    const budget = new PictureBudget({ maxBytes: 1000, decoders: 1, resultBytes: 0 });
    const { encode: ask } = setUp({ store, budget, maxImageBytes: 400 });
    const { bytes, ...picture } = pictureOf('abc');
    const encoded = ask(picture);
    await expect.poll(() => budget.usedBytes).toBe(800);
    const { bytes: _, ...other } = pictureOf('abcd');
    await expect(ask(other)).rejects.toMatchObject({ code: 'overloaded' });
    fetch(bytes);
    await encoded;
    expect(budget.usedBytes).toBe(0);
  });
});

describe('a picture encoder', () => {
  it('encodes what is not known, publishes it, and says where the time went', async () => {
    const { kept, shared } = sharedThat('stored');
    const { encode, told } = setUp({ shared });
    const picture = pictureOf('abc');
    expect(await encode(picture)).toEqual({
      embedding: embeddingOf(3),
      shared: true,
      cached: false,
      timings: { queueMs: 3, decodeMs: 2, preprocessMs: 1, encodeMs: 4, encodeShareMs: 4, cacheWriteMs: 10 },
    });
    expect(kept.get(picture.key)).toEqual(embeddingOf(3));
    expect(told).toEqual(['miss', 'encoded', 'queue 3', 'cache_write 10']);
  });

  it('encodes nothing that another process has encoded meanwhile', async () => {
    const { kept, shared } = sharedThat('stored');
    const { encode, encoded, told } = setUp({ shared });
    kept.set(pictureOf('abc').key, embeddingOf(7));
    expect(await encode(pictureOf('abc'))).toMatchObject({ embedding: embeddingOf(7), shared: true, cached: true });
    expect([encoded, told]).toEqual([[], ['hit']]);
  });

  it('publishes again, without encoding, what has left the shared cache', async () => {
    const { kept, shared } = sharedThat('stored');
    const { encode, encoded } = setUp({ shared });
    await encode(pictureOf('abc'));
    kept.clear();
    expect(await encode(pictureOf('abc'))).toMatchObject({ shared: true, cached: true });
    expect(kept.size).toBe(1);
    expect(encoded).toEqual(['abc']);
  });

  it.each([
    ['of another shape', { ...embeddingOf(7), tokens: 2 }],
    ['not finite', embeddingOf(Number.NaN)],
  ])('encodes again what is kept but %s', async (_, bad) => {
    const { kept, shared } = sharedThat('stored');
    const { encode } = setUp({ shared });
    kept.set(pictureOf('abc').key, bad);
    expect(await encode(pictureOf('abc'))).toMatchObject({ embedding: embeddingOf(3), cached: false });
    expect(kept.get(pictureOf('abc').key)).toEqual(embeddingOf(3));
  });

  it.each(['dropped', 'full', 'timeout', 'unavailable', 'refused'] as const)(
    'says that decoders will not find it when the write was %s',
    async (outcome) => {
      const { encode } = setUp({ shared: sharedThat(outcome).shared });
      expect(await encode(pictureOf('abc'))).toMatchObject({ shared: false, cached: false });
      expect(await encode(pictureOf('abc'))).toMatchObject({ shared: false, cached: true });
    },
  );

  it('says so too when there is no shared cache', async () => {
    const { encode, told } = setUp();
    expect(await encode(pictureOf('abc'))).toMatchObject({ shared: false });
    expect(told).toEqual(['miss', 'encoded', 'queue 3']);
  });
});

describe('the bytes of a picture', () => {
  const { bytes, ...named } = pictureOf('abc');

  it('come from the store when they do not come along', async () => {
    const store = createMemoryImageStore({ maxBytes: 1000 });
    await store.set(named.scope, identifyImage(bytes));
    const { encode, encoded } = setUp({ store });
    expect(await encode(named)).toMatchObject({ cached: false });
    expect(encoded).toEqual(['abc']);
  });

  it.each([
    ['are not in the store', createMemoryImageStore({ maxBytes: 1000 }), /image store/],
    ['cannot be looked for', undefined, /EIDETIC_CACHE_REDIS_URL/],
  ])('are asked for when they %s', async (_, store, message) => {
    const { encode } = setUp({ store });
    await expect(encode(named)).rejects.toMatchObject({
      code: 'image_missing',
      message: expect.stringMatching(message),
      details: { imageId: named.imageId },
    });
  });
});

describe('a caller who left', () => {
  it('has no picture decoded', async () => {
    const leaving = new AbortController();
    const { pictures, encoded } = setUp({
      shared: {
        async get() {
          leaving.abort(new EideticError('cancelled', 'The caller left.'));
          return undefined;
        },
        set: async () => 'stored',
      },
    });
    await expect(pictures.encode(pictureOf('abc'), leaving.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(encoded).toEqual([]);
  });
});

describe('more pictures than may be there at once', () => {
  it('are refused until one of them has ended, well or not', async () => {
    const held = Promise.withResolvers<never>();
    const { encode, pictures } = setUp({ maxPictures: 2, encode: () => held.promise });
    const running = Promise.allSettled([encode(pictureOf('a')), encode(pictureOf('b'))]);
    await expect(encode(pictureOf('c'))).rejects.toMatchObject({ code: 'overloaded', details: { limit: 2 } });
    expect(pictures.pictures).toBe(2);
    held.reject(new EideticError('inference_failed', 'Broken.'));
    await running;
    expect(pictures.pictures).toBe(0);
    await expect(encode(pictureOf('c'))).rejects.toMatchObject({ code: 'inference_failed' });
  });
});
