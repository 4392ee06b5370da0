/** Resolves after `durationMs`, or as soon as `end` is settled. */
const elapsed = async (durationMs: number, end: Promise<void>): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, durationMs);
  await Promise.race([promise, end.catch(() => {})]);
  clearTimeout(timer);
};

/**
 * The items of a source in groups: whatever has come since the last group was taken, but no two groups within `gatherMs` unless the
 * source ends. While a group is being written, others gather, without limit of their own: sources end. Leaving ends the source too.
 */
export async function* readyTogether<T>(
  source: AsyncIterable<T>,
  gatherMs: number,
): AsyncGenerator<T[], void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let ready: T[] = [];
  let came = Promise.withResolvers<void>();
  let done = false;
  let left = false;
  const read = async (): Promise<void> => {
    try {
      for (let next = await iterator.next(); !next.done && !left; next = await iterator.next()) {
        ready.push(next.value);
        came.resolve();
      }
    } finally {
      done = true;
    }
  };
  const end = read();
  // It is awaited below, or nobody wants to know.
  end.catch(() => {});
  let takenMs = Number.NEGATIVE_INFINITY;
  try {
    for (;;) {
      if (ready.length === 0) await Promise.race([came.promise, end]);
      const earlyMs = takenMs + gatherMs - performance.now();
      if (earlyMs > 0 && !done) await elapsed(earlyMs, end);
      if (ready.length === 0) break;
      const group = ready;
      ready = [];
      came = Promise.withResolvers();
      takenMs = performance.now();
      yield group;
    }
    await end;
  } finally {
    left = true;
    // Not waited for: a source that is computing answers when it is done with that, and nobody wants to know how.
    iterator.return?.().catch(() => {});
  }
}
