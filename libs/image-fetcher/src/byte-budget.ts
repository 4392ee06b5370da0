import { FetchFailure } from './fetch-failure.ts';

/** A part of a budget; disposing of it gives it back. */
export interface HeldBytes extends Disposable {
  /**
   * Makes the part as large as `sizeBytes`.
   *
   * @throws FetchFailure `overloaded`
   */
  resize(sizeBytes: number): void;
}

/** Bounds the memory of all fetched pictures together. */
export class ByteBudget {
  readonly #limitBytes: number;
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** A part without bytes. A part alone may be of any size. */
  open(): HeldBytes {
    let held = 0;
    const resize = (sizeBytes: number): void => {
      const others = this.#heldBytes - held;
      if (sizeBytes > held && others > 0 && others + sizeBytes > this.#limitBytes) {
        throw new FetchFailure(
          'overloaded',
          'this server holds as many fetched pictures as it may; try again in a moment',
        );
      }
      this.#heldBytes = others + sizeBytes;
      held = sizeBytes;
    };
    return { resize, [Symbol.dispose]: () => resize(0) };
  }
}
