import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  EideticError,
  type EncodeBacklog,
  type EncodeJob,
  type EncodeOutcome,
  type EncodeProducer,
  type EncodeQueueObserver,
} from '@eidetic/core';
import { closeInTime, connectForCommands } from '@eidetic/durable-redis';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { Absence } from './absence.ts';
import { checkJob, storedJob } from './encode-job-schema.ts';
import { observeEncode } from './observe.ts';
import { readBacklog } from './redis-backlog.ts';
import { bullPriorityOf, checkPrefix, jobIdOf, QUEUE_NAME, REDIS_NAME } from './redis-names.ts';
import { type OutcomeEvents, openOutcomeEvents } from './redis-outcome-events.ts';
import { RedisWaiters } from './redis-waiters.ts';
import { ResultRouter } from './result-router.ts';
import { DEFAULT_RETRY, RETRY_JITTER, type RetryPolicy } from './retry-policy.ts';

/** What a producer is opened with; defaults in brackets. */
export interface RedisEncodeProducerOptions {
  /** Of a Redis with maxmemory-policy noeviction. */
  readonly url: string;
  /** Of all keys, with a hash tag, e.g. `{eidetic}`; the same for producers and consumers. */
  readonly prefix: string;
  readonly observer: EncodeQueueObserver;
  /** Rows of the embedding in the cache, if it is there. Asked when news may have been lost. */
  readonly findEmbedding: (key: string) => Promise<number | undefined>;
  /** [{@link DEFAULT_RETRY}] */
  readonly retry?: RetryPolicy;
  /** How long a request waits for a Redis that is away before it is `unavailable` [10 s]. */
  readonly unavailableAfterMs?: number;
  /** How often a job is looked after of which no news came [5 s]. */
  readonly recheckMs?: number;
}

/** What this process waits for under one key: with the highest priority and the latest deadline that were asked for. */
interface Request {
  job: EncodeJob;
  /** Since when the job is known to be in Redis; undefined until it is. */
  addedAtMs: number | undefined;
  /** How often the job was lost. */
  losses: number;
  /** Whether the observer knows of the request. */
  counted: boolean;
}

/**
 * Queues jobs in Redis, and waits for their outcomes. Outcomes come as events; since events and jobs can get lost, each job
 * is looked after until it has one: jobs that are gone are either in the cache by now or added again.
 */
export class RedisEncodeProducer implements EncodeProducer {
  readonly #options: Required<RedisEncodeProducerOptions>;
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #events: OutcomeEvents;
  readonly #waiters: RedisWaiters;
  readonly #router: ResultRouter;
  readonly #requests = new Map<string, Request>();
  /** This process among those that wait. */
  readonly #process = randomUUID();
  readonly #recheckTimer: NodeJS.Timeout;
  readonly #absence: Absence;
  #closed = false;

  /** @throws EideticError `unavailable` if Redis cannot be reached, `invalid_config` if its settings or the prefix do not fit. */
  static async open(options: RedisEncodeProducerOptions): Promise<RedisEncodeProducer> {
    const { url, prefix, observer } = options;
    checkPrefix(prefix);
    const redis = await connectForCommands(url, observer, REDIS_NAME);
    const queue = new Queue(QUEUE_NAME, { connection: redis, prefix });
    queue.on('error', (error) => observer.failed(error));
    await queue.waitUntilReady();
    const events = await openOutcomeEvents(redis, queue, { url, prefix, observer });
    return new RedisEncodeProducer(options, redis, queue, events);
  }

  private constructor(options: RedisEncodeProducerOptions, redis: Redis, queue: Queue, events: OutcomeEvents) {
    this.#options = { retry: DEFAULT_RETRY, unavailableAfterMs: 10_000, recheckMs: 5_000, ...options };
    this.#redis = redis;
    this.#queue = queue;
    this.#events = events;
    this.#waiters = new RedisWaiters(redis, options.prefix);
    this.#router = new ResultRouter({
      now: Date.now,
      left: (key, reason) => this.#left(key, reason),
      lastLook: (key) => this.#find(key),
    });
    events.listen({
      ended: (key, outcome) => this.#settle(key, outcome),
      lost: (key) => this.#addAgain(key),
    });
    const { recheckMs } = this.#options;
    this.#recheckTimer = setInterval(() => void this.#recheck(Date.now() - recheckMs), recheckMs).unref();
    this.#absence = new Absence(this.#options.unavailableAfterMs, () => void this.#giveUp());
    redis.on('close', () => this.#absence.began());
    redis.on('ready', () => {
      this.#absence.ended();
      void this.#recheck(Date.now());
    });
  }

  encode(job: EncodeJob, signal?: AbortSignal): Promise<EncodeOutcome> {
    return observeEncode(this.#options.observer, () => this.#encode(job, signal));
  }

  async backlog(): Promise<EncodeBacklog> {
    try {
      return await readBacklog(this.#redis, this.#queue, this.#waiters);
    } catch (cause) {
      throw new EideticError('unavailable', "The encode queue's Redis does not answer.", { cause });
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#recheckTimer);
    this.#absence.ended();
    const keys = [...this.#requests.keys()];
    for (const key of keys) this.#settle(key, unavailable('This server is shutting down.'));
    const { observer } = this.#options;
    await closeInTime(() => Promise.all(keys.map((key) => this.#leave(key, 'abandoned'))), observer);
    await this.#events.close();
    await closeInTime(() => this.#queue.close(), observer);
    this.#redis.disconnect();
  }

  async #encode(job: EncodeJob, signal?: AbortSignal): Promise<EncodeOutcome> {
    checkJob(job);
    signal?.throwIfAborted();
    if (this.#closed) return unavailable('This server is shutting down.');
    const outcome = this.#router.wait(job.key, job.deadlineMs, signal);
    const present = this.#requests.get(job.key);
    if (present === undefined) {
      this.#requests.set(job.key, { job, addedAtMs: undefined, losses: 0, counted: false });
      void this.#add(job.key);
    } else {
      this.#options.observer.added({ coalesced: true });
      this.#join(present, job);
    }
    return outcome;
  }

  #join(request: Request, { key, priority, deadlineMs }: EncodeJob): void {
    const { job } = request;
    if (priority <= job.priority && deadlineMs <= job.deadlineMs) return;
    request.job = {
      ...job,
      priority: Math.max(priority, job.priority),
      deadlineMs: Math.max(deadlineMs, job.deadlineMs),
    };
    void this.#add(key);
  }

  /** Brings the job to Redis, if need be again and again until it is `unavailable`; never rejects. */
  async #add(key: string): Promise<void> {
    const giveUpAtMs = Date.now() + this.#options.unavailableAfterMs;
    for (let failures = 0; ; failures++) {
      const request = this.#requests.get(key);
      if (request === undefined) return;
      const { losses } = request;
      try {
        await this.#tryToAdd(key, request);
        // News of a loss may overtake the answer of the command that has added the job.
        if (request.losses === losses) return;
        request.addedAtMs = undefined;
      } catch (reason) {
        this.#options.observer.failed(EideticError.from(reason));
        if (this.#absence.tooLong || Date.now() >= giveUpAtMs) {
          this.#settle(key, unavailable(NO_ANSWER));
          return;
        }
      }
      await delay(Math.min(20 * 2 ** failures, 1_000));
    }
  }

  async #tryToAdd(key: string, request: Request): Promise<void> {
    const { retry, observer } = this.#options;
    const { job } = request;
    const jobId = jobIdOf(key);
    const priority = bullPriorityOf(job.priority);
    const remainingMs = Math.max(0, job.deadlineMs - Date.now());
    const [present] = await Promise.all([
      this.#waiters.register(this.#process, jobId, this.#queue.toKey(jobId), remainingMs),
      this.#queue.add(QUEUE_NAME, storedJob(job), {
        jobId,
        priority,
        attempts: retry.attempts,
        backoff: { type: 'exponential', delay: retry.firstDelayMs, jitter: RETRY_JITTER },
        // A job that has ended must not be in the way of another with its key, once the cache has lost the embedding.
        removeOnComplete: true,
        removeOnFail: true,
        stackTraceLimit: 0,
      }),
    ]);
    if (present !== undefined && present > priority) await this.#raise(jobId, priority);
    request.addedAtMs = Date.now();
    if (!request.counted) observer.added({ coalesced: present !== undefined });
    request.counted = true;
    if (!this.#requests.has(key)) await this.#leave(key, 'abandoned');
  }

  async #raise(jobId: string, priority: number): Promise<void> {
    const job = await this.#queue.getJob(jobId);
    try {
      await job?.changePriority({ priority });
    } catch {
      // It has been fetched or has ended in the meantime.
    }
  }

  #settle(key: string, outcome: EncodeOutcome): void {
    this.#requests.delete(key);
    this.#router.settle(key, outcome);
  }

  #left(key: string, reason: 'expired' | 'abandoned'): void {
    const request = this.#requests.get(key);
    this.#requests.delete(key);
    // A job that is just being added is left once it is there.
    if (request?.addedAtMs !== undefined) void this.#leave(key, reason);
  }

  /** Takes the job out of the queue unless another process waits for it; never rejects. */
  async #leave(key: string, reason: 'expired' | 'abandoned'): Promise<void> {
    const { observer } = this.#options;
    const jobId = jobIdOf(key);
    try {
      const { alone, jobIsThere } = await this.#waiters.leave(this.#process, jobId, this.#queue.toKey(jobId), reason);
      // A job that a consumer holds stays: the consumer will see that nobody waits.
      if (alone && jobIsThere && (await this.#queue.remove(jobId)) === 1) observer.dropped({ reason });
    } catch (cause) {
      // At worst a picture is encoded that nobody waits for.
      observer.failed(EideticError.from(cause));
    }
  }

  /** The job is gone from the queue without an outcome. */
  #addAgain(key: string): void {
    const request = this.#requests.get(key);
    if (request === undefined) return;
    request.losses += 1;
    // Whoever is just adding it sees that.
    if (request.addedAtMs === undefined) return;
    request.addedAtMs = undefined;
    // The first time this is a race with another process that left; when it goes on, something is wrong.
    const waitMs = request.losses === 1 ? 0 : Math.min(10 * 2 ** request.losses, 1_000);
    void delay(waitMs).then(() => this.#add(key));
  }

  /** Looks after the jobs that came before `addedBeforeMs`; never rejects. */
  async #recheck(addedBeforeMs: number): Promise<void> {
    const waiting = [...this.#requests].filter(([, { addedAtMs }]) => (addedAtMs ?? Infinity) <= addedBeforeMs);
    if (waiting.length === 0) return;
    try {
      const there = await Promise.all(waiting.map(([key]) => this.#redis.exists(this.#queue.toKey(jobIdOf(key)))));
      this.#absence.ended();
      const gone = waiting.filter((_, index) => there[index] === 0);
      await Promise.all(gone.map(([key]) => this.#recover(key)));
    } catch (cause) {
      // Another look follows.
      this.#absence.began();
      this.#options.observer.failed(EideticError.from(cause));
    }
  }

  /** Redis has been away for too long: answers all who wait, from the cache where that has what they wait for. */
  async #giveUp(): Promise<void> {
    const settle = async (key: string): Promise<void> => {
      // Whatever is wrong with the cache as well, they wait no longer.
      const found = await this.#find(key).catch(() => undefined);
      this.#settle(key, found ?? unavailable(NO_ANSWER));
    };
    await Promise.all([...this.#requests.keys()].map(settle));
  }

  async #recover(key: string): Promise<void> {
    const found = await this.#find(key);
    if (found === undefined) this.#addAgain(key);
    else this.#settle(key, found);
  }

  async #find(key: string): Promise<EncodeOutcome | undefined> {
    const tokens = await this.#options.findEmbedding(key);
    return tokens === undefined ? undefined : { ok: true, tokens };
  }
}

const NO_ANSWER = "The encode queue's Redis does not answer.";

function unavailable(message: string): EncodeOutcome {
  return { ok: false, error: new EideticError('unavailable', message) };
}
