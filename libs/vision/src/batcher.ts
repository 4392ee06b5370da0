/** Gathers items that arrive one by one into batches. */
export interface Batcher<Item, Result> {
  /**
   * The item's result. An item whose `signal` is aborted before its batch starts takes no part, and rejects with the
   * signal's reason. A failed batch rejects all its items.
   */
  submit(item: Item, signal?: AbortSignal): Promise<Result>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly signal: AbortSignal | undefined;
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
    for (let batch = takeBatch(waiting, maxBatch); batch.length > 0; batch = takeBatch(waiting, maxBatch)) {
      await settle(batch, run);
    }
    running = false;
  };

  return {
    submit(item, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      waiting.push({ item, signal, resolve, reject });
      if (!running) void runAll();
      return promise;
    },
  };
}

function takeBatch<Item, Result>(waiting: Waiting<Item, Result>[], maxBatch: number): Waiting<Item, Result>[] {
  const batch: Waiting<Item, Result>[] = [];
  while (batch.length < maxBatch) {
    const next = waiting.shift();
    if (next === undefined) break;
    if (next.signal?.aborted) next.reject(next.signal.reason);
    else batch.push(next);
  }
  return batch;
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
