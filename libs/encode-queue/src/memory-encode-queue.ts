import {
  EideticError,
  type EncodeBacklog,
  type EncodeConsumer,
  type EncodeDropReason,
  type EncodeHandler,
  type EncodeJob,
  type EncodeLimits,
  type EncodeOutcome,
  type EncodeProducer,
  type EncodeQueueObserver,
} from '@eidetic/core';
import { Dispatcher } from './dispatcher.ts';
import { checkJob } from './encode-job-schema.ts';
import { JobLine, MicroBatcher, type WaitingJob } from './micro-batcher.ts';
import { conclude, observeBatch, observeEncode, observeWork } from './observe.ts';
import { ResultRouter } from './result-router.ts';
import { askedRestMs, DEFAULT_RETRY, type RetryPolicy, retryDelayMs } from './retry-policy.ts';
import { type Dispatched, nobodyWaits, runBatch, type Verdict } from './run-batch.ts';

/** What a queue in memory may be told; defaults in brackets. */
export interface MemoryEncodeQueueOptions {
  readonly observer: EncodeQueueObserver;
  /** [{@link DEFAULT_RETRY}] */
  readonly retry?: RetryPolicy;
}

/** The encode queue of a single process: what the adapter on Redis does between processes, without Redis. */
export class MemoryEncodeQueue implements EncodeProducer {
  readonly #observer: EncodeQueueObserver;
  readonly #retry: RetryPolicy;
  readonly #router: ResultRouter;
  readonly #line = new JobLine<MemoryJob>();
  readonly #jobs = new Map<string, MemoryJob>();
  readonly #dispatchers = new Set<Dispatcher<MemoryJob>>();
  #closed = false;

  constructor({ observer, retry = DEFAULT_RETRY }: MemoryEncodeQueueOptions) {
    this.#observer = observer;
    this.#retry = retry;
    this.#router = new ResultRouter({ now: Date.now, left: (key, reason) => this.#leave(key, reason) });
  }

  encode(job: EncodeJob, signal?: AbortSignal): Promise<EncodeOutcome> {
    return observeEncode(this.#observer, () => this.#encode(job, signal));
  }

  /** Starts handing batches to `handler`; several may consume at the same time. */
  consume(handler: EncodeHandler, limits: EncodeLimits): EncodeConsumer {
    const dispatcher = new Dispatcher<MemoryJob>({
      batcher: new MicroBatcher(this.#line, limits),
      now: Date.now,
      run: (batch) => this.#run(batch, handler),
      drop: (job, reason) => this.#drop(job, reason),
    });
    this.#dispatchers.add(dispatcher);
    dispatcher.poke();
    return {
      pause: () => dispatcher.pause(),
      resume: () => dispatcher.resume(),
      close: async () => {
        this.#dispatchers.delete(dispatcher);
        await dispatcher.stop();
      },
    };
  }

  async backlog(): Promise<EncodeBacklog> {
    const jobs = [...this.#jobs.values()];
    const waiting = jobs.filter(({ state }) => state !== 'handled');
    const oldestMs = Math.min(Date.now(), ...waiting.map(({ addedAtMs }) => addedAtMs));
    const handled = jobs.filter(({ state }) => state === 'handled');
    return { ...totalOf(waiting), handled: totalOf(handled), oldestMs: Date.now() - oldestMs };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const key of this.#router.keys) this.#router.settle(key, CLOSED);
    for (const job of this.#jobs.values()) this.#forget(job);
  }

  async #encode(job: EncodeJob, signal?: AbortSignal): Promise<EncodeOutcome> {
    checkJob(job);
    signal?.throwIfAborted();
    if (this.#closed) return CLOSED;
    const outcome = this.#router.wait(job.key, job.deadlineMs, signal);
    const present = this.#jobs.get(job.key);
    this.#observer.added({ coalesced: present !== undefined });
    if (present === undefined) this.#enter(job);
    else this.#raise(present, job.priority);
    return outcome;
  }

  #enter(job: EncodeJob): void {
    const entry = new MemoryJob(job, this.#router);
    this.#jobs.set(job.key, entry);
    this.#wait(entry);
  }

  #wait(job: MemoryJob): void {
    job.state = 'waiting';
    job.arrivedAtMs = Date.now();
    this.#line.add(job);
    for (const dispatcher of this.#dispatchers) dispatcher.poke();
  }

  #raise(job: MemoryJob, priority: number): void {
    if (priority <= job.priority) return;
    job.priority = priority;
    if (this.#line.remove(job)) this.#line.add(job);
  }

  async #run(batch: readonly MemoryJob[], handler: EncodeHandler): Promise<void> {
    const now = Date.now();
    const abandoned = new AbortController();
    const leave = (): void => {
      if (!batch.some(({ job }) => this.#router.has(job.key))) abandoned.abort(nobodyWaits());
    };
    const dispatched = batch.map((job): Dispatched => {
      job.state = 'handled';
      job.leave = leave;
      return { job: job.current(now), queueMs: now - job.arrivedAtMs };
    });
    observeBatch(this.#observer, dispatched);
    const verdicts = await runBatch(dispatched, handler, abandoned.signal);
    if (verdicts === undefined) {
      for (const job of batch) this.#giveUp(job);
      return;
    }
    observeWork(this.#observer, dispatched, verdicts);
    for (const [index, job] of batch.entries()) {
      const verdict = verdicts[index];
      if (verdict !== undefined) this.#follow(job, verdict);
    }
  }

  #follow(job: MemoryJob, verdict: Verdict): void {
    const restMs = verdict.kind === 'retry' ? askedRestMs(verdict.error) : undefined;
    if (restMs === undefined) job.failures += 1;
    const isLastTry = restMs === undefined && job.failures >= this.#retry.attempts;
    const end = conclude(verdict, isLastTry, this.#observer);
    if (end.kind === 'final') {
      this.#forget(job);
      this.#router.settle(job.job.key, end.outcome);
    } else if (this.#router.has(job.job.key)) {
      job.state = 'resting';
      const delayMs = restMs ?? retryDelayMs(this.#retry, job.failures, Math.random());
      job.rest = setTimeout(() => this.#wait(job), delayMs);
    } else {
      this.#drop(job, 'abandoned');
    }
  }

  #leave(key: string, reason: EncodeDropReason): void {
    const job = this.#jobs.get(key);
    if (job === undefined) return;
    job.leftAs = reason;
    if (job.state === 'handled') job.leave();
    else this.#drop(job, reason);
  }

  /** Its batch was given up, since nobody waited; somebody may by now. */
  #giveUp(job: MemoryJob): void {
    if (this.#jobs.get(job.job.key) !== job) return;
    if (this.#router.has(job.job.key)) this.#wait(job);
    else this.#drop(job, job.leftAs);
  }

  #drop(job: MemoryJob, reason: EncodeDropReason): void {
    this.#forget(job);
    this.#observer.dropped({ reason });
  }

  #forget(job: MemoryJob): void {
    clearTimeout(job.rest);
    this.#line.remove(job);
    if (this.#jobs.get(job.job.key) === job) this.#jobs.delete(job.job.key);
  }
}

const totalOf = (jobs: readonly MemoryJob[]): EncodeBacklog['handled'] => ({
  jobs: jobs.length,
  cost: jobs.reduce((sum, { cost }) => sum + cost, 0),
});

class MemoryJob implements WaitingJob {
  readonly job: EncodeJob;
  readonly addedAtMs = Date.now();
  readonly #router: ResultRouter;
  priority: number;
  arrivedAtMs = this.addedAtMs;
  /** In the line, with a handler, or in between after a failure. */
  state: 'waiting' | 'handled' | 'resting' = 'waiting';
  failures = 0;
  rest: NodeJS.Timeout | undefined;
  /** Called when the last who waited has left while a handler has it. */
  leave: () => void = () => {};
  /** How the last who waited left. */
  leftAs: EncodeDropReason = 'abandoned';

  constructor(job: EncodeJob, router: ResultRouter) {
    this.job = job;
    this.#router = router;
    this.priority = job.priority;
  }

  get cost(): number {
    return this.job.cost;
  }

  get deadlineMs(): number | undefined {
    return this.#router.deadlineMs(this.job.key);
  }

  /** The job as those who wait for it now want it. */
  current(nowMs: number): EncodeJob {
    return { ...this.job, priority: this.priority, deadlineMs: this.deadlineMs ?? nowMs };
  }
}

const CLOSED: EncodeOutcome = {
  ok: false,
  error: new EideticError('unavailable', 'The encode queue is closed: this server is shutting down.'),
};
