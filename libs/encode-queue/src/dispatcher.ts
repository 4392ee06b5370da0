import type { EncodeDropReason } from '@eidetic/core';
import type { MicroBatcher, WaitingJob } from './micro-batcher.ts';

/** What a {@link Dispatcher} works with. */
export interface DispatcherOptions<Job extends WaitingJob> {
  readonly batcher: MicroBatcher<Job>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called before each look at the line: brings it up to date. It must not reject. */
  readonly refresh?: () => Promise<void>;
  /** Handles a batch. It must not reject. */
  readonly run: (batch: readonly Job[]) => Promise<void>;
  readonly drop: (job: Job, reason: EncodeDropReason) => void;
}

/** Hands batches over whenever the line or the room of the handler has changed. */
export class Dispatcher<Job extends WaitingJob> {
  readonly #options: DispatcherOptions<Job>;
  readonly #stopped = Promise.withResolvers<void>();
  #stopping = false;
  #paused = false;
  #looking = false;
  #lookAgain = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DispatcherOptions<Job>) {
    this.#options = options;
  }

  /** Something has changed: a job came, or a waiter left. */
  poke(): void {
    this.#lookAgain = true;
    if (!this.#looking) void this.#look();
  }

  /** Takes nothing from the line until `resume`. */
  pause(): void {
    this.#paused = true;
    clearTimeout(this.#timer);
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#paused = false;
    this.poke();
  }

  /** Takes nothing more from the line, and waits for what is being handled. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.#options.batcher.inFlight > 0) await this.#stopped.promise;
  }

  get #isOpen(): boolean {
    return !this.#stopping && !this.#paused;
  }

  async #look(): Promise<void> {
    const { batcher, refresh, now, drop } = this.#options;
    this.#looking = true;
    while (this.#lookAgain && this.#isOpen) {
      this.#lookAgain = false;
      clearTimeout(this.#timer);
      // Even without a refresh this lets jobs that come together go together.
      await refresh?.();
      if (!this.#isOpen) break;
      const { batch, dropped, lookAgainAtMs } = batcher.take(now());
      for (const { job, reason } of dropped) drop(job, reason);
      if (batch.length > 0) {
        void this.#run(batch);
        this.#lookAgain = true;
      }
      if (lookAgainAtMs !== undefined) this.#timer = setTimeout(() => this.poke(), lookAgainAtMs - now());
    }
    this.#looking = false;
  }

  async #run(batch: readonly Job[]): Promise<void> {
    const { batcher, run } = this.#options;
    await run(batch);
    batcher.done();
    this.poke();
    if (this.#stopping && batcher.inFlight === 0) this.#stopped.resolve();
  }
}
