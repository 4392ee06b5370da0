import { EideticError } from '@eidetic/core';

/** How an {@link EncodeProbe} asks, and what it goes by. */
export interface EncodeProbeOptions {
  /** Encodes a tiny picture; rejects when that is not possible. */
  readonly encode: (signal: AbortSignal) => Promise<void>;
  /** Time without a sign of life after which it asks. */
  readonly idleMs: number;
  /** Longest time that an answer may take. */
  readonly limitMs: number;
  /** Told when the encoder stops being able to encode, with the reason, and (undefined) when it is able again. */
  readonly onTrouble: (reason: string | undefined) => void;
  /** Calls `run` after a time; returns how to take that back. */
  readonly after: (delayMs: number, run: () => void) => () => void;
}

/**
 * Finds out whether an encoder can encode while nobody wants anything of it: encodes a tiny picture whenever it has been idle for a
 * while. Once that fails or takes too long, the encoder is in trouble until an encode succeeds, be it a probe or a caller's.
 */
export class EncodeProbe implements Disposable {
  readonly #options: EncodeProbeOptions;
  #cancelTimer: () => void = () => {};
  #running: AbortController | undefined;
  #successes = 0;
  #trouble = false;
  #ended = false;

  constructor(options: EncodeProbeOptions) {
    this.#options = options;
    this.#wait();
  }

  /** An encode has succeeded: the encoder is well, and the idle time begins anew. */
  succeeded(): void {
    if (this.#ended) return;
    this.#successes += 1;
    if (this.#trouble) this.#options.onTrouble(undefined);
    this.#trouble = false;
    this.#wait();
  }

  /** Asks no more. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#cancelTimer();
    this.#running?.abort();
  }

  #wait(): void {
    this.#cancelTimer();
    // A running probe waits when it has ended.
    if (this.#running === undefined)
      this.#cancelTimer = this.#options.after(this.#options.idleMs, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    const { encode, limitMs, after } = this.#options;
    const run = new AbortController();
    const successesBefore = this.#successes;
    this.#running = run;
    const late = new EideticError('deadline_exceeded', `A tiny picture was not encoded within ${limitMs} ms.`);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    run.signal.addEventListener('abort', () => reject(run.signal.reason), { once: true });
    const cancelLimit = after(limitMs, () => run.abort(late));
    const failure = await Promise.race([encode(run.signal), aborted]).then(() => undefined, EideticError.from);
    cancelLimit();
    this.#running = undefined;
    if (this.#ended) return;
    if (failure === undefined) return this.succeeded();
    // A probe that waits behind the pictures of callers says nothing while those come through.
    if (this.#successes === successesBefore) {
      this.#trouble = true;
      this.#options.onTrouble(failure.message);
    }
    this.#wait();
  }
}
