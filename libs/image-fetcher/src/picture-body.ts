import { FORMAT_BYTES, imageFormat } from '@eidetic/image/format';
import type { HeldBytes } from './byte-budget.ts';
import { FetchFailure } from './fetch-failure.ts';

const FIRST_BYTES = 64 * 2 ** 10;

/** A body may have so many pieces of any size; beyond, they must be so large on average: each costs the event loop 1 µs or more. */
const SMALL_PIECES = 4096;
const MEAN_PIECE_BYTES = 256;

/** Gathers a picture in one piece of memory, as long as it is one and is no larger than `maxBytes`. */
export class PictureBody {
  readonly #held: HeldBytes;
  readonly #maxBytes: number;
  #taken = Buffer.alloc(0);
  #length = 0;
  #pieces = 0;

  /** @param held grows with the memory that is taken. */
  constructor(held: HeldBytes, maxBytes: number) {
    this.#held = held;
    this.#maxBytes = maxBytes;
  }

  /** @throws FetchFailure `size`, `format`, `overloaded`, `unreachable` */
  add(piece: Uint8Array): void {
    const before = this.#length;
    const end = before + piece.length;
    if (end > this.#maxBytes) throw tooLarge(this.#maxBytes);
    this.#pieces += 1;
    if (this.#pieces > SMALL_PIECES + end / MEAN_PIECE_BYTES) {
      throw new FetchFailure('unreachable', `the server sends it in tiny pieces, ${this.#pieces} of them so far`);
    }
    if (end > this.#taken.length) this.#grow(end);
    this.#taken.set(piece, before);
    this.#length = end;
    if (before < FORMAT_BYTES && end >= FORMAT_BYTES) this.#checkFormat();
  }

  /**
   * The whole picture.
   *
   * @throws FetchFailure `format`
   */
  finish(): Uint8Array {
    this.#checkFormat();
    return this.#taken.subarray(0, this.#length);
  }

  #grow(end: number): void {
    const sizeBytes = Math.min(this.#maxBytes, Math.max(FIRST_BYTES, 2 * this.#taken.length, end));
    this.#held.resize(sizeBytes);
    // Not from the pool, which other buffers would share.
    const larger = Buffer.allocUnsafeSlow(sizeBytes);
    this.#taken.copy(larger, 0, 0, this.#length);
    this.#taken = larger;
  }

  #checkFormat(): void {
    if (imageFormat(this.#taken.subarray(0, this.#length)) !== undefined) return;
    throw new FetchFailure('format', 'what the server sends is no JPEG, PNG, WebP, GIF, TIFF or AVIF file');
  }
}

/** A body that has, or says that it has, more than is accepted. */
export const tooLarge = (maxBytes: number): FetchFailure =>
  new FetchFailure('size', `it has more than the ${maxBytes} bytes that are accepted`);
