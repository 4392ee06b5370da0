import { type EmbeddingCache, type ImageStore, identifyImage } from '@eidetic/core';
import { createRedisEmbeddingCache, createRedisImageStore, RedisStore } from '@eidetic/embedding-cache';
import { RedisServer, type RedisServerOptions } from '@eidetic/launcher';
import { expect, it, onTestFinished } from 'vitest';
import { goldenPicture, jobFor, metricsOf, startVisionService, variant } from '../support/vision-service.ts';

/** A Redis, and what gateways and decoders see of it. */
const startRedis = async (options: RedisServerOptions = {}) => {
  const server = await RedisServer.start(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const store = await RedisStore.connect({ url: server.url, timeoutMs: 20_000, maxWriteBytes: 2 ** 26 });
  onTestFinished(() => store[Symbol.asyncDispose]());
  const cache = { store, ttlSeconds: 60, observer: { read: () => {}, write: () => {} }, now: () => 0 };
  const embeddings: EmbeddingCache = createRedisEmbeddingCache(cache);
  const images: ImageStore = createRedisImageStore(cache);
  return { server, embeddings, images };
};

// A time-out that a healthy server on a busy machine never meets.
const withRedis = ({ url }: RedisServer) => ({ EIDETIC_CACHE_REDIS_URL: url, EIDETIC_CACHE_TIMEOUT: '20s' });

const runs = 'eidetic_vision_batch_images_count';

it('encodes an uploaded picture to where decoders find it, and sends no embedding unless asked', async () => {
  const { server, embeddings, images } = await startRedis();
  const { remote, ...service } = await startVisionService(withRedis(server));
  const { bytes, ...job } = jobFor(remote, await goldenPicture('17-ground-1.png'));
  await images.set(job.scope, identifyImage(bytes));
  const [result] = await remote.encode([job]);
  expect(result).toMatchObject({ ok: true, cached: false, tokens: 64, hidden: 320, imageWidth: 224, imageHeight: 224 });
  expect(result).not.toHaveProperty('embedding');
  const [asked] = await remote.encode([job], { returnEmbeddings: true });
  expect(asked).toMatchObject({ cached: true, embedding: await embeddings.get(job.key) });
  const metrics = await metricsOf(service);
  expect(metrics('eidetic_cache_writes_total{cache="embedding",outcome="stored"}')).toBe(1);
  expect(metrics('eidetic_cache_reads_total{cache="image",tier="redis",outcome="hit"}')).toBe(1);
  expect(metrics('eidetic_vision_around_seconds_count{stage="cache_write"}')).toBe(1);
});

it('does not encode what another pod has encoded meanwhile', async () => {
  const { server } = await startRedis();
  const [first, second] = [await startVisionService(withRedis(server)), await startVisionService(withRedis(server))];
  const { bytes: _, ...job } = jobFor(first.remote, await goldenPicture('17-ground-1.png'));
  await first.remote.encode([jobFor(first.remote, await goldenPicture('17-ground-1.png'))]);
  const before = await metricsOf(second);
  expect(await second.remote.encode([job])).toMatchObject([{ ok: true, cached: true }]);
  expect((await metricsOf(second))(runs)).toBe(before(runs));
});

it('sends the embedding to the caller when the cache refuses it, so that the request goes on', async () => {
  const { server, embeddings } = await startRedis({ maxmemory: '1kb', maxmemoryPolicy: 'noeviction' });
  const { remote, ...service } = await startVisionService(withRedis(server));
  const job = jobFor(remote, await goldenPicture('17-ground-1.png'));
  const [result] = await remote.encode([job]);
  expect(result).toMatchObject({ ok: true, cached: false, embedding: { tokens: 64, hidden: 320 } });
  expect(await embeddings.get(job.key)).toBeUndefined();
  const metrics = await metricsOf(service);
  expect(metrics('eidetic_cache_writes_total{cache="embedding",outcome="full"}')).toBe(1);
});

it('serves on while the Redis is down, and publishes again once it is back', async () => {
  const { server, embeddings } = await startRedis();
  const { remote } = await startVisionService({ EIDETIC_CACHE_REDIS_URL: server.url });
  const job = jobFor(remote, await goldenPicture('17-ground-1.png'));
  await server.kill();
  expect(await remote.encode([job])).toMatchObject([{ ok: true, cached: false, embedding: { tokens: 64 } }]);
  await server.restart();
  for (let shared = false; !shared; ) {
    const [result] = await remote.encode([job]);
    expect(result).toMatchObject({ ok: true, cached: true });
    shared = result?.ok === true && result.embedding === undefined;
  }
  expect(await embeddings.get(job.key)).toMatchObject({ tokens: 64, hidden: 320 });
});

it('tells each of many writers at once how its own write ended', async () => {
  const { server, embeddings } = await startRedis();
  const { remote } = await startVisionService(withRedis(server));
  const picture = await goldenPicture('17-ground-1.png');
  const jobs = Array.from({ length: 16 }, (_, i) => jobFor(remote, variant(picture, i)));
  const results = await remote.encode(jobs);
  for (const result of results) expect(result).not.toHaveProperty('embedding');
  for (const { key } of jobs) expect(await embeddings.get(key)).toBeDefined();
});
