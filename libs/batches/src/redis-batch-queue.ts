import { EideticError } from '@eidetic/core';
import { blockingConnection, closeInTime, connectForCommands, type FailureObserver } from '@eidetic/durable-redis';
import { type Job, Queue, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { BatchConsumer, BatchQueue, RunBatch } from './batch-store.ts';
import { REDIS_NAME, type RedisBatchOptions } from './redis-batch-store.ts';

/** Where the queue is, and how soon a batch is taken over. */
export interface RedisBatchQueueOptions extends RedisBatchOptions {
  /** A batch whose gateway has not been heard of for so long is taken over by another, in milliseconds. */
  readonly lockMs: number;
}

const QUEUE_NAME = 'batches';
/** Batches that one process has at a time: small, for they share its places for lines; enough that none waits for another's end. */
const MAX_BATCHES = 32;
/** Time between two tries of a batch whose run failed: Redis or a file was away. */
const RETRY_MS = 1000;
/** Its own window ends a batch, not how often it was tried or taken over. */
const ALWAYS = Number.MAX_SAFE_INTEGER;

/** Batches that gateways share: BullMQ keeps the locks of those that run, and gives those of lost gateways to others. */
export class RedisBatchQueue implements BatchQueue {
  readonly #options: RedisBatchQueueOptions;
  readonly #redis: Redis;
  readonly #queue: Queue;

  /** @throws EideticError `unavailable` if Redis cannot be reached, `invalid_config` if it may evict keys. */
  static async open(options: RedisBatchQueueOptions): Promise<RedisBatchQueue> {
    const redis = await connectForCommands(options.url, options.observer, REDIS_NAME);
    const queue = new Queue(QUEUE_NAME, { connection: redis, prefix: options.prefix });
    queue.on('error', (error) => options.observer.failed(error));
    await queue.waitUntilReady();
    return new RedisBatchQueue(options, redis, queue);
  }

  private constructor(options: RedisBatchQueueOptions, redis: Redis, queue: Queue) {
    this.#options = options;
    this.#redis = redis;
    this.#queue = queue;
  }

  async add(id: string): Promise<void> {
    try {
      await this.#queue.add(
        QUEUE_NAME,
        {},
        {
          jobId: id,
          attempts: ALWAYS,
          backoff: { type: 'fixed', delay: RETRY_MS },
          removeOnComplete: true,
          removeOnFail: true,
        },
      );
    } catch (cause) {
      throw new EideticError('unavailable', `${REDIS_NAME} does not answer.`, { cause });
    }
  }

  consume(run: RunBatch): BatchConsumer {
    const { url, prefix, observer, lockMs } = this.#options;
    const draining = new AbortController();
    const running = new Set<Promise<unknown>>();
    const process = async (job: Job, token: string | undefined): Promise<void> => {
      const outcome = await run(job.id ?? '', draining.signal);
      if (outcome === 'ended') return;
      await job.moveToWait(token);
      throw new WaitingError();
    };
    const worker = new Worker(
      QUEUE_NAME,
      (job, token) => {
        const task = process(job, token);
        running.add(task);
        return task.finally(() => running.delete(task));
      },
      {
        connection: blockingConnection(url),
        prefix,
        concurrency: MAX_BATCHES,
        lockDuration: lockMs,
        stalledInterval: lockMs / 2,
        maxStalledCount: ALWAYS,
      },
    );
    worker.on('error', (error) => observer.failed(error));
    return {
      close: async () => {
        // It takes nothing more from here on, before what runs is told to end.
        const closed = worker.close();
        draining.abort();
        await Promise.allSettled(running);
        await closeInTime(() => closed, observer);
        await closeInTime(() => worker.disconnect(), observer);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const observer: FailureObserver = this.#options.observer;
    await closeInTime(() => this.#queue.close(), observer);
    this.#redis.disconnect();
  }
}
