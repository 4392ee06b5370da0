import type { Matrix } from './matrix.ts';
import type { BlockFormat, QuantizedRows } from './quantize.ts';
import { quantizeMatrix } from './weight-threads.ts';

/**
 * What a quantised matrix is made of, each part as the bytes of its rows in order. The parts may be asked for in any order or not at all, as
 * where an earlier attempt wrote some of them: the matrix is read once, and again only for scales or zero points whose values were not
 * asked for.
 */
export class QuantizedPieces {
  readonly #matrix: Matrix;
  readonly #format: BlockFormat;
  /** Without their values. */
  #rest: Pick<QuantizedRows, 'scales' | 'zeroPoints'>[] | undefined;

  constructor(matrix: Matrix, format: BlockFormat) {
    this.#matrix = matrix;
    this.#format = format;
  }

  async *values(): AsyncGenerator<Uint8Array> {
    const rest: Pick<QuantizedRows, 'scales' | 'zeroPoints'>[] = [];
    for await (const { values, ...others } of quantizeMatrix(this.#matrix, this.#format)) {
      rest.push(others);
      yield values;
    }
    this.#rest = rest;
  }

  /** @param narrow Makes the element type that is stored of float32. */
  async *scales(narrow: (scales: Float32Array) => Float32Array | Float16Array): AsyncGenerator<Uint8Array> {
    for (const { scales } of await this.#others()) {
      const { buffer, byteOffset, byteLength } = narrow(scales);
      yield new Uint8Array(buffer, byteOffset, byteLength);
    }
  }

  async *zeroPoints(): AsyncGenerator<Uint8Array> {
    for (const { zeroPoints } of await this.#others()) if (zeroPoints) yield zeroPoints;
  }

  async #others(): Promise<readonly Pick<QuantizedRows, 'scales' | 'zeroPoints'>[]> {
    if (this.#rest === undefined) for await (const _ of this.values());
    return this.#rest ?? [];
  }
}
