import { RedisServer } from '@eidetic/launcher';
import { afterAll, beforeAll } from 'vitest';
import {
  createMemoryEmbeddingCache,
  createMemoryImageStore,
  createRedisEmbeddingCache,
  createRedisImageStore,
  createTieredEmbeddingCache,
  type RedisCacheOptions,
} from '../src/index.ts';
import { describeEmbeddingCache } from './embedding-cache.contract.ts';
import { now, ObservedStore, Outcomes } from './fixtures.ts';
import { describeImageStore } from './image-store.contract.ts';

const resources = new AsyncDisposableStack();
let redis: RedisCacheOptions;

beforeAll(async () => {
  const server = resources.use(await RedisServer.start());
  // A time-out that a healthy server on a busy machine never meets.
  const { store } = resources.use(await ObservedStore.connect(server.url, { timeoutMs: 20_000 }));
  redis = { store, ttlSeconds: 60, observer: new Outcomes(), now };
});

afterAll(() => resources.disposeAsync());

describeEmbeddingCache('memory', () => createMemoryEmbeddingCache({ maxBytes: 2 ** 24 }));
describeEmbeddingCache('redis', () => createRedisEmbeddingCache(redis));
describeEmbeddingCache('memory before redis', () =>
  createTieredEmbeddingCache([createMemoryEmbeddingCache({ maxBytes: 2 ** 24 }), createRedisEmbeddingCache(redis)]),
);
describeEmbeddingCache('memory that holds nothing before redis', () =>
  createTieredEmbeddingCache([createMemoryEmbeddingCache({ maxBytes: 0 }), createRedisEmbeddingCache(redis)]),
);

describeImageStore('memory', () => createMemoryImageStore({ maxBytes: 2 ** 24 }));
describeImageStore('redis', () => createRedisImageStore(redis));
