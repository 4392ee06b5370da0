import { EideticError } from './errors.ts';

/** Bounds the memory of all request bodies together, whichever API they come by. */
export class BodyBudget {
  readonly #limitBytes: number;
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /**
   * Sets bytes aside for a body that is about to arrive; a body alone is always let in.
   *
   * @returns gives the bytes back, once.
   * @throws EideticError `overloaded`
   */
  reserve(sizeBytes: number): () => void {
    if (this.#heldBytes > 0 && this.#heldBytes + sizeBytes > this.#limitBytes) {
      const message = `Requests of ${this.#heldBytes} bytes are here already, and ${this.#limitBytes} are taken at a time; try again in a moment.`;
      throw new EideticError('overloaded', message);
    }
    this.#heldBytes += sizeBytes;
    let held = sizeBytes;
    return () => {
      this.#heldBytes -= held;
      held = 0;
    };
  }
}
