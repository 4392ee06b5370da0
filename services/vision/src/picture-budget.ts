import { EideticError } from '@eidetic/core';
import { DECODE_BYTES_PER_PIXEL } from '@eidetic/image';

/** What a {@link PictureBudget} goes by. */
export interface PictureBudgetOptions {
  /** Most memory of all pictures together, in bytes. */
  readonly maxBytes: number;
  /** Pictures that are decoded at the same time. */
  readonly decoders: number;
  /** What each takes beside its compressed bytes until its end, in bytes: its resized pixels and its embedding. */
  readonly resultBytes: number;
}

/** A picture's part of the budget, until it is disposed. */
export interface PictureShare extends Disposable {
  /**
   * The picture is at hand: it has so many bytes compressed, and so many pixels.
   *
   * @throws EideticError `overloaded`
   */
  isKnown(compressedBytes: number, pixels: number): void;
}

interface Held {
  keptBytes: number;
  decodeBytes: number;
}

/** When those who are refused should come again. A guess: a few pictures are encoded in that time. */
export const RETRY_AFTER_MS = 250;

/**
 * Bounds the memory that pictures take which are encoded or wait: of each its compressed bytes, twice since the thread that decodes gets
 * a copy, and its result; of those that have most pixels, as many as are decoded at the same time, the memory that decoding takes. One picture alone
 * is always taken.
 */
export class PictureBudget {
  readonly #options: PictureBudgetOptions;
  readonly #held = new Set<Held>();

  constructor(options: PictureBudgetOptions) {
    this.#options = options;
  }

  /** Bytes that are taken. */
  get usedBytes(): number {
    return this.#used(this.#held);
  }

  /**
   * Takes a picture in of which only the size is known, or a bound of it.
   *
   * @throws EideticError `overloaded`, with `details.retryAfterMs`
   */
  admit(compressedBytes: number): PictureShare {
    const held: Held = { keptBytes: 0, decodeBytes: 0 };
    const take = (bytes: number, pixels: number): void => {
      const next = { keptBytes: 2 * bytes + this.#options.resultBytes, decodeBytes: pixels * DECODE_BYTES_PER_PIXEL };
      this.#requireRoom(
        [...this.#held].filter((other) => other !== held),
        next,
      );
      Object.assign(held, next);
    };
    take(compressedBytes, 0);
    this.#held.add(held);
    return { isKnown: take, [Symbol.dispose]: () => void this.#held.delete(held) };
  }

  #requireRoom(others: readonly Held[], next: Held): void {
    const { maxBytes } = this.#options;
    if (others.length === 0 || this.#used([...others, next]) <= maxBytes) return;
    const message = `${others.length} pictures take the memory for pictures already (EIDETIC_PICTURE_MEMORY, ${maxBytes} bytes).`;
    throw new EideticError('overloaded', message, { details: { limit: maxBytes, retryAfterMs: RETRY_AFTER_MS } });
  }

  #used(pictures: Iterable<Held>): number {
    const all = [...pictures];
    const decoding = all
      .map(({ decodeBytes }) => decodeBytes)
      .sort((a, b) => b - a)
      .slice(0, this.#options.decoders);
    return [...all.map(({ keptBytes }) => keptBytes), ...decoding].reduce((sum, bytes) => sum + bytes, 0);
  }
}
