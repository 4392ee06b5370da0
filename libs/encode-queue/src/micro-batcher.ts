import type { EncodeDropReason, EncodeLimits } from '@eidetic/core';

/** A job in the line. */
export interface WaitingJob {
  /** Higher goes first. */
  readonly priority: number;
  readonly cost: number;
  /** When it came, in milliseconds of the clock that `take` is called with. */
  readonly arrivedAtMs: number;
  /** Until when somebody waits for it; undefined if nobody does. May change while it is in the line. */
  readonly deadlineMs: number | undefined;
}

/** What {@link MicroBatcher.take} found. */
export interface Taken<Job> {
  /** To be handled now, in order; empty if there is nothing to do or nobody free. */
  readonly batch: readonly Job[];
  /** Out of the line without being handled. */
  readonly dropped: readonly { readonly job: Job; readonly reason: EncodeDropReason }[];
  /** When to look again at the latest: the end of a linger. */
  readonly lookAgainAtMs?: number;
}

/** Why nobody waits for a job any more; undefined if somebody does. */
export function whyDead({ deadlineMs }: Pick<WaitingJob, 'deadlineMs'>, nowMs: number): EncodeDropReason | undefined {
  if (deadlineMs === undefined) return 'abandoned';
  return deadlineMs <= nowMs ? 'expired' : undefined;
}

/** Jobs in the order in which they will be taken: by priority, then by arrival. */
export class JobLine<Job extends WaitingJob> {
  #jobs: Job[] = [];

  get jobs(): readonly Job[] {
    return this.#jobs;
  }

  add(job: Job): void {
    const before = this.#jobs.findLastIndex(({ priority }) => priority >= job.priority);
    this.#jobs.splice(before + 1, 0, job);
  }

  /** Takes out one; false if it is not in the line. */
  remove(job: Job): boolean {
    const index = this.#jobs.indexOf(job);
    if (index !== -1) this.#jobs.splice(index, 1);
    return index !== -1;
  }

  /** Takes out those that nobody waits for any more. */
  dropDead(nowMs: number): Taken<Job>['dropped'] {
    const dropped = this.#jobs.flatMap((job) => {
      const reason = whyDead(job, nowMs);
      return reason === undefined ? [] : { job, reason };
    });
    if (dropped.length > 0) this.#jobs = this.#jobs.filter((job) => whyDead(job, nowMs) === undefined);
    return dropped;
  }

  /** Takes out the first `count`. */
  takeFirst(count: number): Job[] {
    return this.#jobs.splice(0, count);
  }
}

/**
 * Decides what goes to a handler, and when: as soon as it has room, all that is in the line up to the limits of a batch. It
 * has neither a clock nor timers. Several batchers may share a line.
 */
export class MicroBatcher<Job extends WaitingJob> {
  readonly #line: JobLine<Job>;
  readonly #limits: EncodeLimits;
  #inFlight = 0;

  constructor(line: JobLine<Job>, limits: EncodeLimits) {
    this.#line = line;
    this.#limits = limits;
  }

  /** Batches taken and not {@link done}. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether a `take` could give a batch. */
  get hasRoom(): boolean {
    return this.#inFlight < this.#limits.maxInFlight;
  }

  /** A batch that is not empty counts as in flight from now on. No job in it is later in the line than one left behind. */
  take(nowMs: number): Taken<Job> {
    const dropped = this.#line.dropDead(nowMs);
    if (!this.hasRoom || this.#line.jobs.length === 0) return { batch: [], dropped };
    const count = this.#fitting();
    const lingerEndMs = this.#lingerEndMs();
    if (count === this.#line.jobs.length && !this.#isFull() && nowMs < lingerEndMs) {
      return { batch: [], dropped, lookAgainAtMs: lingerEndMs };
    }
    this.#inFlight += 1;
    return { batch: this.#line.takeFirst(count), dropped };
  }

  /** A batch was handled: there is room for another. */
  done(): void {
    this.#inFlight -= 1;
  }

  /** How many, from the front, make a batch. The first always fits; the first that does not ends it, lest smaller ones overtake it for ever. */
  #fitting(): number {
    const { maxCost, maxJobs } = this.#limits;
    let cost = 0;
    const end = this.#line.jobs.findIndex((job, index) => {
      cost += job.cost;
      return index >= maxJobs || (index > 0 && cost > maxCost);
    });
    return end === -1 ? this.#line.jobs.length : end;
  }

  #isFull(): boolean {
    const cost = this.#line.jobs.reduce((sum, job) => sum + job.cost, 0);
    return this.#line.jobs.length >= this.#limits.maxJobs || cost >= this.#limits.maxCost;
  }

  #lingerEndMs(): number {
    const oldestMs = this.#line.jobs.reduce((oldest, { arrivedAtMs }) => Math.min(oldest, arrivedAtMs), Infinity);
    return oldestMs + this.#limits.lingerMs;
  }
}
