/** Gathers items that arrive one by one into batches. */
export interface Batcher<Item, Result> {
  /**
   * The item's result. An item whose `signal` is aborted before its batch starts takes no part, and rejects with the
   * signal's reason at once; afterwards the signal changes nothing. A failed batch rejects all its items.
   */
  submit(item: Item, signal?: AbortSignal): Promise<Result>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Runs one batch at a time, over everything that is waiting, up to `maxBatch` items, in order of arrival. Nothing waits
 * while `run` is idle; batches grow by what arrives during a run. `run` answers in the order of its items.
 */
export function createBatcher<Item, Result>(
  maxBatch: number,
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
): Batcher<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let running = false;

  const runAll = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) await settle(waiting.splice(0, maxBatch), run);
    running = false;
  };

  return {
    submit(item, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      const entry: Waiting<Item, Result> = { item, resolve, reject };
      const leave = (): void => {
        const index = waiting.indexOf(entry);
        if (index === -1) return;
        waiting.splice(index, 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      const forget = (): void => signal?.removeEventListener('abort', leave);
      promise.then(forget, forget);
      waiting.push(entry);
      if (!running) void runAll();
      return promise;
    },
  };
}

async function settle<Item, Result>(
  batch: readonly Waiting<Item, Result>[],
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
): Promise<void> {
  try {
    const results = await run(batch.map(({ item }) => item));
    for (const [i, result] of results.entries()) batch[i]?.resolve(result);
  } catch (reason) {
    for (const { reject } of batch) reject(reason);
  }
}
