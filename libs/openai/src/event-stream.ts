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
 * Chunks as server-sent events, as OpenAI's clients read them: `data: {…}` for each, then `data: [DONE]`. A comment is sent
 * after every `heartbeatMs` of silence, so that proxies keep the connection. The headers are long gone when something fails
 * on the way: what `failure` makes of the error is sent as an `error` event, and nothing after it.
 *
 * Chunks are asked for one at a time: a slow reader slows their source. Leaving the iteration ends it.
 */
export async function* eventStream(
  chunks: AsyncIterable<object>,
  options: { readonly heartbeatMs: number; readonly failure: (reason: unknown) => object },
): AsyncGenerator<string, void, undefined> {
  const source = chunks[Symbol.asyncIterator]();
  try {
    let pending = source.next();
    for (;;) {
      const result = await within(pending, options.heartbeatMs);
      if (result === undefined) {
        yield ': waiting\n\n';
      } else if (result.done === true) {
        yield 'data: [DONE]\n\n';
        return;
      } else {
        yield `data: ${JSON.stringify(result.value)}\n\n`;
        pending = source.next();
      }
    }
  } catch (reason) {
    yield `event: error\ndata: ${JSON.stringify(options.failure(reason))}\n\n`;
  } finally {
    await source.return?.();
  }
}
