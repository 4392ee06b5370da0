import { RedisServer } from '@eidetic/launcher';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { RedisFileStore } from '../src/index.ts';
import { describeFileStore } from './conformance.ts';

let server: RedisServer;
let redis: Redis;
let places = 0;

beforeAll(async () => {
  server = await RedisServer.start({ maxmemoryPolicy: 'noeviction' });
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

const open = (prefix: string) =>
  RedisFileStore.open({ url: server.url, prefix, observer: { failed: () => undefined } });

describeFileStore('Redis', async () => {
  places += 1;
  const prefix = `{place${places}}`;
  return {
    open: () => open(prefix),
    leftovers: async () => {
      const kept = new Set<string>();
      for (const key of await redis.keys(`${prefix}:file:*`)) {
        const { content } = JSON.parse((await redis.get(key)) ?? '{}') as { content?: string };
        kept.add(`${prefix}:file-content:${content}`);
      }
      const contents = await redis.keys(`${prefix}:file-content:*`);
      return contents.filter((key) => !kept.has(key)).length;
    },
    remove: async () => undefined,
  };
});

it('lets what is not committed expire by itself, and keeps what is', async () => {
  const store = await open('{expiry}');
  const bytes = async function* () {
    yield Buffer.from('meow');
  };
  const staged = await store.stage(bytes(), 100);
  const [key = ''] = await redis.keys('{expiry}:file-content:*');
  expect(await redis.ttl(key)).toBeGreaterThan(0);
  await staged.commit({ id: 'file-1', tenant: '', filename: 'f', purpose: 'user_data', createdAtMs: 1 });
  expect(await redis.ttl(key)).toBe(-1);
  const late = await store.stage(bytes(), 100);
  const [lateKey = ''] = (await redis.keys('{expiry}:file-content:*')).filter((each) => each !== key);
  await redis.del(lateKey);
  const committing = late.commit({ id: 'file-2', tenant: '', filename: 'f', purpose: 'user_data', createdAtMs: 1 });
  await expect(committing).rejects.toMatchObject({ code: 'unavailable' });
  await store[Symbol.asyncDispose]();
});

it('says so when Redis has no room', async () => {
  const small = await RedisServer.start({ maxmemory: '4mb', maxmemoryPolicy: 'noeviction' });
  const store = await RedisFileStore.open({ url: small.url, prefix: '{f}', observer: { failed: () => undefined } });
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]();
    await small[Symbol.asyncDispose]();
  });
  const endless = async function* () {
    for (let i = 0; i < 40; i++) yield Buffer.alloc(256 * 1024, 1);
  };
  await expect(store.stage(endless(), 2 ** 30)).rejects.toThrow(/is full/);
});
