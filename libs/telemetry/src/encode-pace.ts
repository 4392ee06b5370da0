/** What a batch keeps of its weight with each one after it: the last ten make up two thirds of the average. */
const MEMORY = 0.9;

/** How long encoding takes per unit of cost: a moving average over batches, weighted by their cost, in which older ones fade. */
export class EncodePace {
  #cost = 0;
  #seconds = 0;

  /** Undefined before anything was encoded. */
  get secondsPerCost(): number | undefined {
    return this.#cost > 0 && this.#seconds > 0 ? this.#seconds / this.#cost : undefined;
  }

  /** Pictures were encoded: what they cost, and the encoder's time that was theirs. */
  add({ cost, encodeMs }: { readonly cost: number; readonly encodeMs: number }): void {
    this.#cost = this.#cost * MEMORY + cost;
    this.#seconds = this.#seconds * MEMORY + encodeMs / 1000;
  }
}
