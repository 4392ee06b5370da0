import { setTimeout as delay } from 'node:timers/promises';
import type { BatchConsumer, BatchQueue, RunBatch } from './batch-store.ts';

/** Time between two tries of a batch whose run failed. */
const RETRY_MS = 1000;

/** The queue of a single process. It keeps nothing: what has not ended is added again at the next start. */
export class MemoryBatchQueue implements BatchQueue {
  readonly #present = new Set<string>();
  readonly #runners = new Set<(id: string) => void>();
  readonly #failed: (error: Error) => void;

  /** @param failed told of runs that failed and are tried again */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  async add(id: string): Promise<void> {
    if (this.#present.has(id)) return;
    this.#present.add(id);
    for (const take of this.#runners) return take(id);
  }

  consume(run: RunBatch): BatchConsumer {
    const draining = new AbortController();
    const running = new Set<Promise<void>>();
    const take = (id: string): void => {
      const task = this.#run(id, run, draining.signal).finally(() => running.delete(task));
      running.add(task);
    };
    this.#runners.add(take);
    for (const id of this.#present) take(id);
    return {
      close: async () => {
        this.#runners.delete(take);
        draining.abort();
        await Promise.all(running);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#present.clear();
  }

  async #run(id: string, run: RunBatch, draining: AbortSignal): Promise<void> {
    while (!draining.aborted) {
      try {
        if ((await run(id, draining)) === 'interrupted') return;
        this.#present.delete(id);
        return;
      } catch (error) {
        this.#failed(error instanceof Error ? error : new Error(String(error)));
        await delay(RETRY_MS, undefined, { signal: draining }).catch(() => undefined);
      }
    }
  }
}
