import { setTimeout as delay } from 'node:timers/promises';
import {
  EideticError,
  type EncodeConsumer,
  type EncodeDropReason,
  type EncodeHandler,
  type EncodeLimits,
  type EncodeQueueObserver,
} from '@eidetic/core';
import { blockingConnection, closeInTime, connectForCommands } from '@eidetic/durable-redis';
import { DelayedError, type Job, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { Dispatcher } from './dispatcher.ts';
import { readStoredJob, type StoredJob } from './encode-job-schema.ts';
import { JobLine, MicroBatcher, type WaitingJob, whyDead } from './micro-batcher.ts';
import { conclude, observeBatch, observeWork } from './observe.ts';
import { markDispatched } from './redis-backlog.ts';
import { checkPrefix, QUEUE_NAME, REDIS_NAME } from './redis-names.ts';
import { RedisWaiters } from './redis-waiters.ts';
import { askedRestMs } from './retry-policy.ts';
import { type Dispatched, nobodyWaits, runBatch, type Verdict } from './run-batch.ts';
import { type StoredOutcome, storedOutcome } from './stored-outcome.ts';

/** How long a consumer may be silent before another takes its jobs. */
export interface LockPolicy {
  /** A job whose consumer has not renewed its lock for so long is up for others. */
  readonly lockMs: number;
  /** How often consumers look for such jobs. */
  readonly stalledCheckMs: number;
  /** How often one job may be taken over before it is given up: it may be what stops its consumers. */
  readonly maxTakeovers: number;
}

/** Twice what BullMQ takes by default: a job that is run twice costs more than one that waits. */
export const DEFAULT_LOCKS: LockPolicy = { lockMs: 60_000, stalledCheckMs: 30_000, maxTakeovers: 2 };

/** What a consumer is opened with; defaults in brackets. */
export interface RedisEncodeConsumerOptions {
  /** Of a Redis with maxmemory-policy noeviction. */
  readonly url: string;
  /** Of all keys, with a hash tag, e.g. `{eidetic}`; the same for producers and consumers. */
  readonly prefix: string;
  readonly observer: EncodeQueueObserver;
  readonly handler: EncodeHandler;
  readonly limits: EncodeLimits;
  /** [{@link DEFAULT_LOCKS}] */
  readonly locks?: LockPolicy;
  /** Whether it is paused to begin with [false]. */
  readonly paused?: boolean;
}

// Where Redis did not say until when a job is waited for, its handler has so long.
const UNKNOWN_DEADLINE_MS = 60_000;
// How long BullMQ waits before it fetches again after an error; its own 15 s would add to every restart of Redis.
const FETCH_RETRY_MS = 1_000;
// How often it is looked whether somebody still waits for a batch that a handler has. Most have ended before the first look.
const WATCH_MS = 250;

/** Takes jobs from Redis and hands them over in batches. BullMQ keeps their locks, and gives those of lost consumers to others. */
export class RedisEncodeConsumer implements EncodeConsumer {
  readonly #observer: EncodeQueueObserver;
  readonly #handler: EncodeHandler;
  readonly #redis: Redis;
  readonly #waiters: RedisWaiters;
  readonly #line = new JobLine<HeldJob>();
  readonly #batcher: MicroBatcher<HeldJob>;
  readonly #dispatcher: Dispatcher<HeldJob>;
  readonly #worker: Worker;
  readonly #held = new Set<HeldJob>();
  #paused = false;
  /** Fetched since the last look at the line. */
  readonly #fetched: HeldJob[] = [];

  /** @throws EideticError `unavailable` if Redis cannot be reached, `invalid_config` if its settings or the prefix do not fit. */
  static async open(options: RedisEncodeConsumerOptions): Promise<RedisEncodeConsumer> {
    checkPrefix(options.prefix);
    const redis = await connectForCommands(options.url, options.observer, REDIS_NAME);
    const consumer = new RedisEncodeConsumer(options, redis);
    await consumer.#worker.waitUntilReady();
    if (options.paused) consumer.pause();
    else consumer.resume();
    return consumer;
  }

  private constructor(options: RedisEncodeConsumerOptions, redis: Redis) {
    const { url, prefix, observer, handler, limits, locks = DEFAULT_LOCKS } = options;
    this.#observer = observer;
    this.#handler = handler;
    this.#redis = redis;
    this.#waiters = new RedisWaiters(redis, prefix);
    this.#batcher = new MicroBatcher(this.#line, limits);
    this.#dispatcher = new Dispatcher({
      batcher: this.#batcher,
      now: Date.now,
      refresh: () => this.#refresh(),
      run: (batch) => this.#run(batch),
      drop: (job, reason) => job.end.resolve({ kind: 'dropped', reason }),
    });
    this.#worker = new Worker(QUEUE_NAME, (job, token) => this.#process(job, token), {
      connection: blockingConnection(url),
      prefix,
      autorun: false,
      // What the handler may have, and one more batch to be there when it is done.
      concurrency: limits.maxJobs * (limits.maxInFlight + 1),
      lockDuration: locks.lockMs,
      stalledInterval: locks.stalledCheckMs,
      maxStalledCount: locks.maxTakeovers,
      runRetryDelay: FETCH_RETRY_MS,
    });
    this.#worker.on('error', (error) => observer.failed(error));
    this.#worker.on('stalled', () => observer.stalled());
  }

  /** What it has fetched for its next batch goes back: another consumer may have an encoder. */
  pause(): void {
    this.#paused = true;
    this.#dispatcher.pause();
    void this.#worker.pause(true);
    for (const job of [...this.#fetched.splice(0), ...this.#line.takeFirst(this.#line.jobs.length)]) {
      job.end.resolve({ kind: 'returned' });
    }
  }

  resume(): void {
    this.#paused = false;
    this.#dispatcher.resume();
    void this.#worker.resume();
  }

  async close(): Promise<void> {
    const closed = this.#worker.close();
    // However long the handler takes; only Redis must not keep us from closing.
    while (this.#held.size > 0) await Promise.all([...this.#held].map(({ end }) => end.promise));
    await closeInTime(() => closed, this.#observer);
    await closeInTime(() => this.#worker.disconnect(), this.#observer);
    this.#redis.disconnect();
  }

  async #process(bullJob: Job, token: string | undefined): Promise<StoredOutcome> {
    const read = readStoredJob(bullJob.data);
    if ('problem' in read) {
      this.#observer.dropped({ reason: 'malformed' });
      const message = `A job in the encode queue is malformed: ${read.problem}`;
      return storedOutcome({ ok: false, error: new EideticError('internal', message) });
    }
    const held = new HeldJob(read.job, bullJob);
    this.#held.add(held);
    // A worker that was waiting for jobs when it was paused takes one more.
    if (this.#paused) held.end.resolve({ kind: 'returned' });
    else this.#fetched.push(held);
    this.#dispatcher.poke();
    const end = await held.end.promise;
    this.#held.delete(held);
    if (end.kind === 'returned') {
      await bullJob.moveToWait(token);
      throw new WaitingError();
    }
    if (end.kind === 'dropped') {
      this.#observer.dropped({ reason: end.reason });
      return { dropped: end.reason };
    }
    const restMs = end.kind === 'retry' ? askedRestMs(end.error) : undefined;
    if (end.kind === 'retry' && restMs !== undefined) {
      this.#observer.retried({ code: end.error.code });
      await bullJob.moveToDelayed(Date.now() + restMs, token);
      throw new DelayedError();
    }
    const { attempts = 1 } = bullJob.opts;
    const verdict = conclude(end, bullJob.attemptsMade + 1 >= attempts, this.#observer);
    // BullMQ lets it rest, and brings it back.
    if (verdict.kind === 'retry') throw verdict.error;
    await this.#waiters.forget(held.jobId).catch((error) => this.#observer.failed(error));
    return storedOutcome(verdict.outcome);
  }

  /** Takes what was fetched into the line, and asks Redis who still waits for what is in it. */
  async #refresh(): Promise<void> {
    for (const job of this.#fetched.splice(0)) this.#line.add(job);
    const jobs = [...this.#line.jobs];
    if (jobs.length === 0 || !this.#batcher.hasRoom) return;
    await this.#askWhoWaits(jobs);
  }

  /** Brings the deadlines of jobs up to date; never rejects. */
  async #askWhoWaits(jobs: readonly HeldJob[]): Promise<void> {
    try {
      const remainingMs = await this.#waiters.remainingMs(jobs.map(({ jobId }) => jobId));
      const now = Date.now();
      for (const [index, job] of jobs.entries()) {
        const remaining = remainingMs[index];
        job.deadlineMs = remaining === undefined ? undefined : now + remaining;
      }
    } catch (cause) {
      // Better a picture encoded for nobody than a picture not encoded for somebody.
      this.#observer.failed(EideticError.from(cause));
    }
  }

  async #run(batch: readonly HeldJob[]): Promise<void> {
    const now = Date.now();
    const dispatched = batch.map((job): Dispatched => job.dispatch(now));
    observeBatch(this.#observer, dispatched);
    const jobKeys = batch.map(({ jobId }) => this.#worker.toKey(jobId));
    markDispatched(this.#redis, jobKeys).catch((error) => this.#observer.failed(error));
    const watching = new AbortController();
    const verdicts = await runBatch(dispatched, this.#handler, this.#watch(batch, watching.signal));
    watching.abort();
    if (verdicts === undefined) {
      for (const job of batch) job.end.resolve({ kind: 'dropped', reason: whyDead(job, Date.now()) ?? 'abandoned' });
      return;
    }
    observeWork(this.#observer, dispatched, verdicts);
    for (const [index, job] of batch.entries()) {
      const verdict = verdicts[index];
      if (verdict !== undefined) job.end.resolve(verdict);
    }
  }

  /** A signal that is aborted once nobody waits for any of the jobs. Looks until `ended` is aborted. */
  #watch(batch: readonly HeldJob[], ended: AbortSignal): AbortSignal {
    const abandoned = new AbortController();
    const look = async (): Promise<void> => {
      while (!abandoned.signal.aborted) {
        await delay(WATCH_MS, undefined, { signal: ended });
        await this.#askWhoWaits(batch);
        if (batch.every((job) => whyDead(job, Date.now()) !== undefined)) abandoned.abort(nobodyWaits());
      }
    };
    // It rejects when the batch has ended.
    look().catch(() => undefined);
    return abandoned.signal;
  }
}

/** How a job ends that this consumer has the lock of. */
type End =
  | Verdict
  | { readonly kind: 'dropped'; readonly reason: EncodeDropReason }
  /** It goes back to the queue as if it had never been fetched. */
  | { readonly kind: 'returned' };

/** A job that this consumer has the lock of. */
class HeldJob implements WaitingJob {
  readonly jobId: string;
  readonly arrivedAtMs = Date.now();
  readonly end = Promise.withResolvers<End>();
  readonly priority: number;
  readonly #job: StoredJob;
  readonly #waitingSinceMs: number;
  /** Until Redis says otherwise somebody waits for it. */
  deadlineMs: number | undefined = Number.POSITIVE_INFINITY;

  constructor(job: StoredJob, bullJob: Job) {
    this.#job = job;
    this.jobId = bullJob.id ?? '';
    this.priority = -bullJob.priority;
    // A job that was tried before has waited since then, which is not on record; the rest between two tries is no wait.
    this.#waitingSinceMs = bullJob.attemptsMade === 0 ? bullJob.timestamp : this.arrivedAtMs;
  }

  get cost(): number {
    return this.#job.cost;
  }

  dispatch(nowMs: number): Dispatched {
    const { deadlineMs = nowMs } = this;
    const known = Number.isFinite(deadlineMs) ? deadlineMs : nowMs + UNKNOWN_DEADLINE_MS;
    // The producer's clock may be ahead.
    const queueMs = Math.max(0, nowMs - this.#waitingSinceMs);
    return { job: { ...this.#job, deadlineMs: known }, queueMs };
  }
}
