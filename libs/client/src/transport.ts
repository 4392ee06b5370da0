import { errorIn, errorOf } from './error-response.ts';
import { EideticApiError, EideticConnectionError } from './errors.ts';
import { retryDelayMs, wait } from './retry.ts';
import { readEvents } from './server-sent-events.ts';

/** How the server is reached. */
export interface TransportOptions {
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Waits between attempts. */
  readonly wait?: typeof wait;
  /** A random number from 0 to 1. */
  readonly random?: () => number;
}

/** One request. */
export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Below `/v1`. */
  readonly path: string;
  /** Sent as JSON, or as the form that it is. */
  readonly body?: object | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether doing it twice does no harm; true if absent. */
  readonly repeatable?: boolean;
}

/** Sends requests, again where that may help, and turns what goes wrong into typed errors. */
export interface Transport {
  /** The whole answer, as JSON. */
  json(call: Call): Promise<unknown>;
  /** The whole answer, as it is. */
  bytes(call: Call): Promise<Uint8Array<ArrayBuffer>>;
  /** The JSON values of a stream of events, up to `[DONE]`. Leaving the iteration ends the request. */
  events(call: Call): AsyncGenerator<unknown, void, undefined>;
}

/** Timers hold 31 bits of milliseconds, and go off at once for more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Aborts when nothing was heard for `limitMs`. */
const watchSilence = (limitMs: number) => {
  const timerMs = Math.min(limitMs, LONGEST_TIMER_MS);
  const controller = new AbortController();
  const giveUp = (): void => controller.abort();
  let timer = setTimeout(giveUp, timerMs);
  return {
    signal: controller.signal,
    heard(): void {
      clearTimeout(timer);
      timer = setTimeout(giveUp, timerMs);
    },
    end: (): void => clearTimeout(timer),
  };
};

type Silence = ReturnType<typeof watchSilence>;

/** An answer that has begun. */
interface Incoming {
  readonly response: Response;
  readonly pieces: AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;
}

/** @throws EideticApiError what the server says; EideticConnectionError; the signal's reason once it is aborted. */
export const createTransport = (options: TransportOptions): Transport => {
  const { timeoutMs, retries } = options;
  const root = `${options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1`;

  /** What a failure of `fetch` or of reading means. */
  const failureOf = (error: unknown, signal: AbortSignal | undefined, silence: Silence, begun: boolean): unknown => {
    if (signal?.aborted) return signal.reason;
    if (silence.signal.aborted) {
      return new EideticConnectionError('timeout', `Nothing came from ${root} for ${timeoutMs} ms.`, { cause: error });
    }
    return begun
      ? new EideticConnectionError('interrupted', `The connection to ${root} ended before the answer did.`, {
          cause: error,
        })
      : new EideticConnectionError('unreachable', `${root} cannot be reached: is the server running?`, {
          cause: error,
        });
  };

  async function* read(
    { body }: Response,
    signal: AbortSignal | undefined,
    silence: Silence,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    const reader = body?.getReader();
    try {
      for (;;) {
        silence.heard();
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) return;
        // Its reader may take as long as it likes.
        silence.end();
        yield value;
      }
    } catch (error) {
      throw failureOf(error, signal, silence, true);
    } finally {
      silence.end();
      // Cancelling a stream that failed fails again; it was reported above.
      await reader?.cancel().catch(() => undefined);
    }
  }

  const open = async ({ method = 'GET', path, body, signal }: Call): Promise<Incoming> => {
    signal?.throwIfAborted();
    const silence = watchSilence(timeoutMs);
    const isForm = body instanceof FormData;
    try {
      const response = await options.fetch(`${root}${path}`, {
        method,
        headers: {
          ...(options.apiKey !== undefined && { authorization: `Bearer ${options.apiKey}` }),
          ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
        signal: signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]),
      });
      silence.heard();
      if (!response.ok) throw await errorOf(response);
      return { response, pieces: read(response, signal, silence) };
    } catch (error) {
      silence.end();
      if (error instanceof EideticApiError) throw error;
      throw failureOf(error, signal, silence, false);
    }
  };

  const retrying = async <T>({ signal, repeatable = true }: Call, attempt: () => Promise<T>): Promise<T> => {
    for (let number = 0; ; number++) {
      try {
        return await attempt();
      } catch (error) {
        const delayMs = retryDelayMs(error, number, { repeatable, random: options.random ?? Math.random });
        if (delayMs === undefined || number >= retries) throw error;
        await (options.wait ?? wait)(delayMs, signal);
      }
    }
  };

  const bytes = (call: Call): Promise<Uint8Array<ArrayBuffer>> =>
    retrying(call, async () => {
      const { pieces } = await open(call);
      const whole: Uint8Array<ArrayBuffer>[] = [];
      for await (const piece of pieces) whole.push(piece);
      return new Uint8Array(await new Blob(whole).arrayBuffer());
    });

  return {
    bytes,
    async json(call) {
      return parse(new TextDecoder().decode(await bytes(call)));
    },
    async *events(call) {
      // Once a byte of it has come, an answer is not asked for again: its reader has seen the beginning.
      const { response, first, pieces } = await retrying(call, async () => {
        const incoming = await open(call);
        return { ...incoming, first: await incoming.pieces.next() };
      });
      async function* all() {
        if (first.done !== true) yield first.value;
        yield* pieces;
      }
      try {
        for await (const data of readEvents(all())) {
          if (data === '[DONE]') return;
          const value = parse(data);
          const error = errorIn(value, { headers: response.headers });
          if (error !== undefined) throw error;
          yield value;
        }
      } finally {
        await pieces.return();
      }
      throw new EideticConnectionError('interrupted', 'The stream ended before the answer did.');
    },
  };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    throw new EideticConnectionError('invalid_response', `This is not JSON: ${JSON.stringify(shown)}.`, {
      cause: error,
    });
  }
};
