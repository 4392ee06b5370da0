import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EncodeConsumer } from '@eidetic/core';
import { RedisServer } from '@eidetic/launcher';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect } from 'vitest';
import { RedisEncodeConsumer } from '../src/redis-encode-consumer.ts';
import { RedisEncodeProducer } from '../src/redis-encode-producer.ts';
import { describeEncodeQueue } from './conformance.ts';
import { Recorder } from './recorder.ts';

let server: RedisServer;
let redis: Redis;
let queues = 0;
beforeAll(async () => {
  server = await RedisServer.start();
  redis = new Redis(server.url);
});
afterAll(async () => {
  await redis.quit();
  await server[Symbol.asyncDispose]();
});

describeEncodeQueue('Redis', async () => {
  const { url } = server;
  queues += 1;
  const prefix = `{test-${queues}}`;
  const recorder = new Recorder();
  const { observer } = recorder;
  const retry = { attempts: 3, firstDelayMs: 10 };
  const producer = await RedisEncodeProducer.open({
    url,
    prefix,
    observer,
    retry,
    findEmbedding: async () => undefined,
  });
  const consumers: EncodeConsumer[] = [];
  return {
    producer,
    recorder,
    reached: async (jobs) => {
      await expect.poll(() => redis.llen(`${prefix}:encode:active`)).toBe(jobs);
      // What Redis has given out is on its way on another connection.
      await nextTurn();
    },
    consume: async (handler, limits) => {
      const consumer = await RedisEncodeConsumer.open({ url, prefix, observer, handler, limits });
      consumers.push(consumer);
      return consumer;
    },
    [Symbol.asyncDispose]: async () => {
      await producer.close();
      await Promise.all(consumers.map((consumer) => consumer.close()));
    },
  };
});
