/** Resolves to `undefined` when `promise` takes longer than `timeoutMs`. */
const within = async <T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> => {
  const { promise: timeout, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, timeoutMs, undefined);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Least time between two writes. A small model makes a token in half a millisecond; writing each by itself costs a fifth of that
 * in system calls and in waking the reader, and nobody sees the difference.
 */
const GATHER_MS = 5;

/**
 * Chunks as server-sent events, as OpenAI's clients read them: `data: {…}` for each, then `data: [DONE]`. What comes within
 * {@link GATHER_MS} of the last write travels together. A comment is sent after every `heartbeatMs` of silence, so that proxies keep
 * the connection. The headers are long gone when something fails on the way: what `failure` makes of the error is sent as an
 * `error` event, and nothing after it.
 *
 * Chunks are asked for one at a time: a slow reader slows their source. Leaving the iteration ends it.
 */
export async function* eventStream(
  chunks: AsyncIterable<object>,
  options: { readonly heartbeatMs: number; readonly failure: (reason: unknown) => object },
): AsyncGenerator<string, void, undefined> {
  const source = chunks[Symbol.asyncIterator]();
  const ask = (): Promise<IteratorResult<object>> => {
    const next = source.next();
    // A reader that is slow, or has left, is not there to see a failure yet; awaiting `next` shows it all the same.
    next.catch(() => undefined);
    return next;
  };
  let held = '';
  let sentMs = Number.NEGATIVE_INFINITY;
  try {
    let pending = ask();
    for (;;) {
      const result = await within(pending, held === '' ? options.heartbeatMs : GATHER_MS);
      if (result?.done === true) {
        yield `${held}data: [DONE]\n\n`;
        return;
      }
      if (result === undefined) {
        held ||= ': waiting\n\n';
      } else {
        held += `data: ${JSON.stringify(result.value)}\n\n`;
        pending = ask();
      }
      if (result === undefined || performance.now() - sentMs >= GATHER_MS) {
        yield held;
        held = '';
        sentMs = performance.now();
      }
    }
  } catch (reason) {
    yield `${held}event: error\ndata: ${JSON.stringify(options.failure(reason))}\n\n`;
  } finally {
    await source.return?.();
  }
}
