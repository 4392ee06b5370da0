import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { RedisEncodeConsumer } from '../src/redis-encode-consumer.ts';
import { RedisEncodeProducer } from '../src/redis-encode-producer.ts';
import { HeldHandler } from './held-handler.ts';
import { jobOf, LIMITS } from './jobs.ts';
import { Recorder } from './recorder.ts';
import { answerAll, PREFIX, RedisPlace } from './redis-place.ts';

const JOB_ID = encodeURIComponent(jobOf('cat').key);

describe('a producer of the encode queue', () => {
  it('adds a job again that somebody has removed', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer({ recheckMs: 60_000 });
    const outcome = producer.encode(jobOf('cat'));
    await expect.poll(async () => (await producer.backlog()).jobs).toBe(1);
    const queue = new Queue('encode', { connection: { url: redis.server.url }, prefix: PREFIX });
    await queue.remove(JOB_ID);
    await queue.close();
    await redis.consumer(answerAll);
    expect(await outcome).toMatchObject({ ok: true, tokens: 64 });
  });

  it('adds a job again that a consumer has dropped in the belief that nobody waits', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer({ recheckMs: 60_000 });
    const outcome = producer.encode(jobOf('cat'));
    await expect.poll(async () => (await producer.backlog()).jobs).toBe(1);
    const client = new Redis(redis.server.url);
    await client.del(`${PREFIX}:encode-waiters:${JOB_ID}`);
    client.disconnect();
    await redis.consumer(answerAll);
    expect(await outcome).toMatchObject({ ok: true, tokens: 64 });
    expect(redis.recorder).toMatchObject({ dropped: ['abandoned'], added: 1, handled: ['ok'] });
  });

  it('finds the embedding in the cache when the news of it was lost', async () => {
    await using redis = await RedisPlace.start();
    const embeddings = new Map<string, number>();
    const producer = await redis.producer({ recheckMs: 50, findEmbedding: async (key) => embeddings.get(key) });
    const outcome = producer.encode(jobOf('cat'));
    await expect.poll(async () => (await producer.backlog()).jobs).toBe(1);
    embeddings.set(jobOf('cat').key, 81);
    const client = new Redis(redis.server.url);
    await client.flushall();
    client.disconnect();
    expect(await outcome).toEqual({ ok: true, tokens: 81 });
  });

  it('looks into the cache once more before it calls a deadline exceeded', async () => {
    await using redis = await RedisPlace.start();
    const found = await redis.producer({ findEmbedding: async () => 81 });
    const broken = await redis.producer({ findEmbedding: () => Promise.reject(new Error('no cache')) });
    const hanging = await redis.producer({ findEmbedding: () => new Promise(() => undefined) });
    const job = (name: string) => jobOf(name, { deadlineMs: Date.now() + 50 });
    expect(await found.encode(job('found'))).toEqual({ ok: true, tokens: 81 });
    const exceeded = { ok: false, error: { code: 'deadline_exceeded' } };
    expect(await broken.encode(job('broken'))).toMatchObject(exceeded);
    expect(await hanging.encode(job('hanging'))).toMatchObject(exceeded);
  });

  it('leaves nothing in Redis when all is answered', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer();
    await redis.consumer(answerAll);
    const client = new Redis(redis.server.url);
    await Promise.all(Array.from({ length: 50 }, (_, index) => producer.encode(jobOf(String(index)))));
    const leftovers = async () => (await client.keys('*')).filter((key) => key.includes('model'));
    await expect.poll(leftovers).toEqual([]);
    client.disconnect();
  });

  it('adds no listeners for requests', async () => {
    await using redis = await RedisPlace.start();
    const warnings: Error[] = [];
    const warn = (warning: Error): number => warnings.push(warning);
    process.on('warning', warn);
    const producer = await redis.producer();
    await redis.consumer(answerAll);
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 64 }, (_, index) => producer.encode(jobOf(String(index)), signal)));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });
});

describe('a consumer of the encode queue', () => {
  it('ends a malformed job with an error, counts it and goes on', async () => {
    await using redis = await RedisPlace.start();
    const queue = new Queue('encode', { connection: { url: redis.server.url }, prefix: PREFIX });
    await queue.add('encode', { pixels: 'AAAA' }, { jobId: JOB_ID });
    await queue.close();
    const producer = await redis.producer();
    const outcome = producer.encode(jobOf('cat'));
    await expect.poll(() => redis.recorder.coalesced).toBe(1);
    await redis.consumer(answerAll);
    expect(await outcome).toMatchObject({ ok: false, error: { code: 'internal' } });
    expect(redis.recorder.dropped).toEqual(['malformed']);
    expect(await producer.encode(jobOf('dog'))).toMatchObject({ ok: true });
  });

  it('hands over the deadline of the latest who waits', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer();
    const deadlineMs = Date.now() + 15_000;
    const outcomes = [2_000, 15_000, 9_000].map((ms) =>
      producer.encode(jobOf('cat', { deadlineMs: deadlineMs - 15_000 + ms })),
    );
    await expect.poll(async () => (await producer.backlog()).jobs).toBe(1);
    const deadlines: number[] = [];
    await redis.consumer(async (jobs, signal) => {
      deadlines.push(...jobs.map((job) => job.deadlineMs));
      return answerAll(jobs, signal);
    });
    await Promise.all(outcomes);
    expect(deadlines).toEqual([expect.closeTo(deadlineMs, -3)]);
  });

  it('counts as waiting what it has fetched and not handed over', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer();
    const handler = new HeldHandler();
    await redis.consumer(handler.handle);
    const outcomes = [producer.encode(jobOf('first', { cost: 100 }))];
    await handler.batch(1);
    outcomes.push(producer.encode(jobOf('second', { cost: 7 })));
    await expect.poll(async () => await producer.backlog()).toMatchObject({ jobs: 1, cost: 7 });
    handler.release();
    await handler.batch(2);
    handler.release();
    await Promise.all(outcomes);
  });
});

describe('the encode queue refuses to start', () => {
  const options = { prefix: PREFIX, observer: new Recorder().observer };
  const producerOptions = { ...options, findEmbedding: async () => undefined };
  const consumerOptions = { ...options, handler: answerAll, limits: LIMITS };

  it('on a Redis that may evict jobs, and says what to do', async () => {
    await using redis = await RedisPlace.start({ maxmemory: '50mb', maxmemoryPolicy: 'allkeys-lru' });
    const { url } = redis.server;
    const refusal = { code: 'invalid_config', message: expect.stringMatching(/allkeys-lru.*Set it to noeviction/) };
    await expect(RedisEncodeProducer.open({ ...producerOptions, url })).rejects.toMatchObject(refusal);
    await expect(RedisEncodeConsumer.open({ ...consumerOptions, url })).rejects.toMatchObject(refusal);
  });

  it('without a Redis', async () => {
    const url = 'redis://127.0.0.1:1';
    await expect(RedisEncodeProducer.open({ ...producerOptions, url })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(RedisEncodeConsumer.open({ ...consumerOptions, url })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('under a prefix without a hash tag', async () => {
    const refused = RedisEncodeProducer.open({ ...producerOptions, url: 'redis://127.0.0.1:1', prefix: 'eidetic' });
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('{eidetic}'),
    });
  });
});
