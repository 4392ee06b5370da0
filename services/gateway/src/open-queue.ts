import type { EmbeddingCache } from '@eidetic/core';
import { RedisEncodeConsumer, RedisEncodeProducer } from '@eidetic/encode-queue';
import { traceEncodeHandler } from '@eidetic/telemetry';
import { atMostEvery } from './at-most-every.ts';
import type { GatewayConfig } from './config.ts';
import type { GatewayContext } from './gateway-context.ts';
import { untilThere } from './until-there.ts';
import { encodeHandler, type VisionPool } from './vision-pool.ts';
import { whileEncodersMayCome } from './while-encoders-may-come.ts';

/** Time between two lines of the log that say that the queue is away. */
const TELL_AGAIN_MS = 10_000;

/** What the queue works with. */
export interface QueueParts extends GatewayContext {
  readonly cache: EmbeddingCache;
  readonly vision: VisionPool;
}

/** Both sides of the encode queue: this process asks for pictures to be encoded, and has its share of all of them encoded. */
export const openQueue = async (
  config: GatewayConfig,
  { cache, vision, metrics, onProgress, onTrouble, signal, tracer }: QueueParts,
) => {
  const { queueRedisUrl: url, queuePrefix: prefix, encodeLockMs, encodeBatch } = config;
  // While Redis is away, each attempt of each connection fails: dozens of lines a second would say the same.
  const tellSeldom = atMostEvery(
    TELL_AGAIN_MS,
    () => performance.now(),
    (error: Error) => onTrouble('The queue cannot be reached.', error),
  );
  const observer = {
    ...metrics.queue,
    failed(error: Error) {
      metrics.queue.failed(error);
      tellSeldom(error);
    },
  };
  onProgress('Waiting for the queue');
  const findEmbedding = async (key: string) => (await cache.get(key))?.tokens;
  const producerOptions = { url, prefix, observer, findEmbedding, unavailableAfterMs: config.queuePatienceMs };
  const producer = await untilThere(() => RedisEncodeProducer.open(producerOptions), signal);
  metrics.queue.observeBacklog(() => producer.backlog());
  const consumer = await untilThere(
    () =>
      RedisEncodeConsumer.open({
        url,
        prefix,
        observer,
        handler: traceEncodeHandler(encodeHandler(vision, cache), tracer),
        limits: {
          maxCost: vision.tokensPerImage * encodeBatch,
          maxJobs: encodeBatch,
          maxInFlight: config.encodesInFlight,
          lingerMs: config.encodeLingerMs,
        },
        paused: true,
        // A gateway that stands still is taken for dead sooner than pictures should be given up for it.
        locks: { lockMs: encodeLockMs, stalledCheckMs: encodeLockMs / 2, maxTakeovers: 2 },
      }),
    signal,
  );
  // Pictures wait in the queue until there is somebody to encode them.
  const following = vision.follow((available) => (available ? consumer.resume() : consumer.pause()));
  return {
    producer: whileEncodersMayCome(producer, vision),
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]();
      await consumer.close();
      await producer.close();
    },
  };
};
