/** What a batch keeps of its weight with each one after it: the last ten make up two thirds of the average. */
const MEMORY = 0.9;

/** Batches that may be at an encoder at the same time, as many runs each as pictures, share runs. */
const KNOWN_RUNS = 1024;

/** How long encoding takes per unit of cost: a moving average over batches, weighted by their cost, in which older ones fade. */
export class EncodePace {
  #cost = 0;
  #seconds = 0;
  readonly #known = new Set<number>();

  /** Undefined before anything was encoded. */
  get secondsPerCost(): number | undefined {
    return this.#cost > 0 && this.#seconds > 0 ? this.#seconds / this.#cost : undefined;
  }

  /** Pictures were encoded. A run that an earlier batch had its part of has been counted: no two take the same time to the last digit. */
  add({ cost, runsMs }: { readonly cost: number; readonly runsMs: readonly number[] }): void {
    const newMs = runsMs.filter((ms) => !this.#known.has(ms));
    for (const ms of newMs) this.#known.add(ms);
    for (const ms of this.#known.values().take(Math.max(0, this.#known.size - KNOWN_RUNS))) this.#known.delete(ms);
    this.#cost = this.#cost * MEMORY + cost;
    this.#seconds = this.#seconds * MEMORY + newMs.reduce((sum, ms) => sum + ms, 0) / 1000;
  }
}
