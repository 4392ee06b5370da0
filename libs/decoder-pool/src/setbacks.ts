import { EideticError, type ErrorCode } from '@eidetic/core';
import { leastRetryHint } from '@eidetic/endpoints';

/** Decoders that one answer may lose: a request that ends them must not end them all. */
const MAX_LOST = 5;

/** The decoder is gone, or has given the answer up; a caller who leaves is seen by their signal. */
const LOST: readonly ErrorCode[] = ['unavailable', 'cancelled'];

/** What went wrong with one answer so far, and so where it may go next. */
export class Setbacks {
  readonly #patienceMs: number;
  #lost = 0;
  #last: EideticError | undefined;
  #avoided = new Set<string>();
  #overloaded: EideticError[] = [];
  #sinceMs: number;

  /** @param patienceMs longest time without progress that it waits for a decoder */
  constructor(patienceMs: number, nowMs: number) {
    this.#patienceMs = patienceMs;
    this.#sinceMs = nowMs;
  }

  /** When it is given up, unless something goes well: milliseconds since 1970. */
  get untilMs(): number {
    return this.#sinceMs + this.#patienceMs;
  }

  /** What to tell the caller if it is given up because decoders are busy; undefined if they are not. */
  get overloaded(): EideticError | undefined {
    return leastRetryHint(this.#overloaded);
  }

  /** What to tell the caller if it is given up. */
  get reason(): EideticError {
    if (this.overloaded) return this.overloaded;
    if (!this.#last) return new EideticError('unavailable', 'No decoder is there to answer; try again in a moment.');
    const message = `The answer was lost ${this.#lost} times, the last time because: ${this.#last.message}`;
    return new EideticError('unavailable', message, { cause: this.#last });
  }

  /** Whether a decoder is not to be asked again until {@link forgive}. */
  avoids(address: string): boolean {
    return this.#avoided.has(address);
  }

  /**
   * Notes that a decoder did not come to the end of the answer.
   *
   * @throws EideticError when the answer must not go on elsewhere: the request is at fault, or it was lost too often.
   */
  note(address: string, error: EideticError): void {
    this.#avoided.add(address);
    if (error.code === 'overloaded') {
      this.#overloaded.push(error);
      return;
    }
    if (!LOST.includes(error.code)) throw error;
    this.#last = error;
    this.#lost++;
    if (this.#lost >= MAX_LOST) throw this.reason;
  }

  /** Decoders are asked again that failed a moment ago. */
  forgive(): void {
    this.#avoided.clear();
    this.#overloaded = [];
  }

  /** There was progress: nothing is known any more of other decoders, and patience begins again. */
  progressed(nowMs: number): void {
    this.forgive();
    this.#sinceMs = nowMs;
  }
}
