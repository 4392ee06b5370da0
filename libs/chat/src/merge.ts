type Source<T> = AsyncGenerator<T, void, undefined>;

/** What asking a source came to. */
interface Outcome<T> {
  readonly source: Source<T>;
  /** Absent when it failed. */
  readonly result?: IteratorResult<T, void>;
  readonly error?: unknown;
}

const ask = async <T>(source: Source<T>): Promise<Outcome<T>> => {
  try {
    return { source, result: await source.next() };
  } catch (error) {
    return { source, error };
  }
};

/**
 * The values of several sources as they come. Each source is asked for its next value only when its last one has been taken. The
 * signal that `start` gets is aborted when a source fails or the reader leaves, and the sources that still run are left.
 *
 * @throws what the first source to fail throws.
 */
export async function* merge<T>(start: (signal: AbortSignal) => readonly Source<T>[]): Source<T> {
  const life = new AbortController();
  const sources = start(life.signal);
  const arrived: Outcome<T>[] = [];
  let wake = Promise.withResolvers<void>();
  // No Promise.race: what waits long would collect a handler for every value of the others.
  const request = async (source: Source<T>): Promise<void> => {
    arrived.push(await ask(source));
    wake.resolve();
  };
  try {
    for (const source of sources) void request(source);
    for (let running = sources.length; running > 0; ) {
      const outcome = arrived.shift();
      if (outcome === undefined) {
        await wake.promise;
        wake = Promise.withResolvers();
      } else if (outcome.result === undefined) {
        throw outcome.error;
      } else if (outcome.result.done === true) {
        running -= 1;
      } else {
        yield outcome.result.value;
        void request(outcome.source);
      }
    }
  } finally {
    life.abort();
    await Promise.allSettled(sources.map((source) => source.return()));
  }
}
