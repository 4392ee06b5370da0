import { RedisServer } from '@eidetic/launcher';
import { afterAll, beforeAll } from 'vitest';
import { RedisBatchQueue, RedisBatchStore } from '../src/index.ts';
import { describeBatchPlace } from './conformance.ts';

let server: RedisServer;
let places = 0;

beforeAll(async () => {
  server = await RedisServer.start({ maxmemoryPolicy: 'noeviction' });
});
afterAll(() => server[Symbol.asyncDispose]());

describeBatchPlace('Redis', async () => {
  places += 1;
  const options = { url: server.url, prefix: `{place${places}}`, observer: { failed: () => undefined } };
  return {
    openStore: () => RedisBatchStore.open(options),
    openQueue: () => RedisBatchQueue.open({ ...options, lockMs: 1000 }),
    remove: async () => undefined,
  };
});
