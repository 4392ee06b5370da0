import type { ErrorDetails } from './errors.ts';

/** Share of the newest stay in the mean: the last ten make up two thirds. */
const NEWEST = 0.1;

/** How long requests stay, of late: for a hint when the next place will be free. */
export class MeanStay {
  #meanMs: number | undefined;

  /** One has left. */
  ended(stayMs: number): void {
    this.#meanMs = this.#meanMs === undefined ? stayMs : this.#meanMs + NEWEST * (stayMs - this.#meanMs);
  }

  /**
   * Details of a refusal because all `places` are taken: by Little's law, one of them gets free in the mean stay divided by them. Empty
   * before the first has left.
   */
  hint(places: number): ErrorDetails {
    return this.#meanMs === undefined ? {} : { retryAfterMs: Math.ceil(this.#meanMs / places) };
  }
}
