import { hash } from 'node:crypto';
import { identifyImage, SHARED_SCOPE, tenantScope } from '@eidetic/core';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRedisImageStore } from '../src/index.ts';
import { embeddingName, imageName } from '../src/keys.ts';
import { embeddingOf, Fixture, now, type OpenCache, Outcomes, TTL_SECONDS } from './fixtures.ts';

const fixture = new Fixture();
let client: Redis;
let opened: OpenCache;
let url: string;

beforeAll(async () => {
  ({ url } = await fixture.server());
  client = fixture.client(url);
});
afterAll(() => fixture[Symbol.asyncDispose]());
beforeEach(async () => {
  await client.flushall();
  opened = await fixture.cache(url, { timeoutMs: 20_000 });
});

/** Puts a changed value in the place of the one that is there. */
const damage = async (name: string, change: (value: Buffer) => Buffer): Promise<void> => {
  const value = await client.getBuffer(name);
  if (value === null) throw new Error(`Nothing under ${name}.`);
  await client.set(name, change(value));
};

const flipped = (value: Buffer, at: number): Buffer => {
  value[at] = (value[at] ?? 0) ^ 0x10;
  return value;
};

describe('an embedding in Redis', () => {
  it.each<[string, 'corrupt' | 'foreign', (value: Buffer) => Buffer]>([
    ['has a flipped bit in its numbers', 'corrupt', (value) => flipped(value, value.length - 3)],
    ['has a flipped bit in its shape', 'corrupt', (value) => flipped(value, 9)],
    ['was cut', 'corrupt', (value) => value.subarray(0, value.length - 1)],
    ['is empty', 'corrupt', () => Buffer.alloc(0)],
    ['has another version', 'foreign', (value) => flipped(value, 4)],
    ['was written by somebody else', 'foreign', () => Buffer.from('x'.repeat(100))],
  ])('is a miss when it %s, and is replaced by the next write', async (_, outcome, change) => {
    const { cache, outcomes } = opened;
    await cache.set('k', embeddingOf(1));
    await damage(embeddingName('k'), change);
    expect(await cache.get('k')).toBeUndefined();
    await cache.set('k', embeddingOf(2));
    expect(await cache.get('k')).toEqual(embeddingOf(2));
    expect(outcomes.reads).toEqual([outcome, 'hit']);
  });

  it("is a miss when it is another picture's, whole and with its checksum right", async () => {
    const { cache, outcomes } = opened;
    await cache.set('a', embeddingOf(1));
    await client.copy(embeddingName('a'), embeddingName('b'));
    expect(await cache.get('b')).toBeUndefined();
    expect(outcomes.reads).toEqual(['foreign']);
  });

  it('is a miss when its key holds another type, and is replaced by the next write', async () => {
    const { cache, outcomes, connection } = opened;
    await client.lpush(embeddingName('k'), 'x');
    expect(await cache.get('k')).toBeUndefined();
    await cache.set('k', embeddingOf(1));
    expect(await cache.get('k')).toEqual(embeddingOf(1));
    expect(outcomes.reads).toEqual(['refused', 'hit']);
    expect(connection.told).toEqual([[true]]);
  });

  it('lives on for the whole time after each use', async () => {
    const { cache } = opened;
    await cache.set('k', embeddingOf(1));
    expect(await client.ttl(embeddingName('k'))).toBeGreaterThan(TTL_SECONDS / 2);
    await client.expire(embeddingName('k'), 30);
    await cache.get('k');
    expect(await client.ttl(embeddingName('k'))).toBeGreaterThan(TTL_SECONDS / 2);
  });

  it('is a miss when its time is over', async () => {
    const { cache, outcomes } = opened;
    await cache.set('k', embeddingOf(1));
    await client.pexpireat(embeddingName('k'), 1);
    expect(await cache.get('k')).toBeUndefined();
    expect(outcomes.reads).toEqual(['miss']);
  });
});

describe('a picture in Redis', () => {
  const picture = Buffer.from('not really a JPEG');
  const imageId = hash('sha256', picture, 'hex');

  const setUp = () => {
    const outcomes = new Outcomes();
    const options = { store: opened.connection.store, ttlSeconds: 10 * TTL_SECONDS, observer: outcomes, now };
    return { outcomes, images: createRedisImageStore(options) };
  };

  it.each<[string, Buffer]>([
    ["are another picture's", Buffer.from('another picture')],
    ['have a flipped bit', flipped(Buffer.from(picture), 3)],
    ['were cut', picture.subarray(1)],
  ])('is a miss when its bytes %s, and is replaced by the next write', async (_, bytes) => {
    const { images, outcomes } = setUp();
    await client.set(imageName(SHARED_SCOPE, imageId), bytes);
    expect(await images.get(SHARED_SCOPE, imageId)).toBeUndefined();
    await images.set(SHARED_SCOPE, identifyImage(picture));
    expect(await images.get(SHARED_SCOPE, imageId)).toEqual(picture);
    expect(outcomes).toMatchObject({ reads: ['corrupt', 'hit'], writes: ['stored'] });
  });

  it('outlives the embedding that was last used with it', async () => {
    const { images } = setUp();
    await opened.cache.set('k', embeddingOf(1));
    await images.set(SHARED_SCOPE, identifyImage(picture));
    const lives = await Promise.all(
      [embeddingName('k'), imageName(SHARED_SCOPE, imageId)].map((name) => client.ttl(name)),
    );
    expect(lives[1]).toBeGreaterThan(2 * (lives[0] ?? 0));
  });

  it("is under a name that has the caches' prefix and not the tenant's name", async () => {
    const { images } = setUp();
    await images.set(tenantScope('acme'), identifyImage(picture));
    const names = await client.keys('*');
    expect(names).toEqual([imageName(tenantScope('acme'), imageId)]);
    expect(names.join()).toMatch(/^eidetic:image:(?!.*acme)/);
  });
});
