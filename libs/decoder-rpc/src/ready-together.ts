/**
 * The items of a source in groups: whatever has come since the last group was asked for. While a group is being written, others
 * gather, without limit of their own: sources end. Leaving ends the source too.
 */
export async function* readyTogether<T>(source: AsyncIterable<T>): AsyncGenerator<T[], void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let ready: T[] = [];
  let signal = Promise.withResolvers<void>();
  let left = false;
  const ended = (async () => {
    for (let next = await iterator.next(); !next.done && !left; next = await iterator.next()) {
      ready.push(next.value);
      signal.resolve();
    }
  })();
  let done = false;
  const end = ended.finally(() => {
    done = true;
  });
  // It is awaited below, or nobody wants to know.
  end.catch(() => {});
  try {
    while (!done || ready.length > 0) {
      if (ready.length === 0) await Promise.race([signal.promise, end]);
      signal = Promise.withResolvers();
      const group = ready;
      ready = [];
      if (group.length > 0) yield group;
    }
    await end;
  } finally {
    left = true;
    // Not waited for: a source that is computing answers when it is done with that, and nobody wants to know how.
    iterator.return?.().catch(() => {});
  }
}
