import type { Manifest } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import { Tensor } from '@eidetic/ort';

/** Keys and values of every layer, for `slots` sequences of up to `capacity` positions. */
export class KvCache {
  readonly #layers: readonly { readonly name: string; readonly data: Float32Array }[];
  readonly #rowDims: readonly [number, number, number];

  /** @throws EideticError `invalid_config` when there is not so much memory. */
  constructor(decoder: Manifest['decoder'], slots: number, capacity: number) {
    this.#rowDims = [decoder.kvHeads, capacity, decoder.headDim];
    // Fresh memory is zero pages that take no room until a position is written.
    const elements = slots * decoder.kvHeads * capacity * decoder.headDim;
    try {
      this.#layers = Array.from({ length: decoder.layers }, (_, i) =>
        (['key', 'value'] as const).map((part) => ({ name: `${i}.${part}`, data: new Float32Array(elements) })),
      ).flat();
    } catch (cause) {
      const gibibytes = Math.ceil((elements * 4 * 2 * decoder.layers) / 2 ** 30);
      throw new EideticError(
        'invalid_config',
        `Keys and values of ${slots} slots of ${capacity} positions take ${gibibytes} GiB, which cannot be had. ` +
          'Take fewer slots or a shorter context.',
        { cause },
      );
    }
  }

  /** Size of one position's keys and values over all layers. */
  get bytesPerPosition(): number {
    const [heads, , headDim] = this.#rowDims;
    return this.#layers.length * heads * headDim * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Copies the state of positions `start` to `end` from one row to another. */
  copy(from: number, to: number, start: number, end: number): void {
    const [heads, capacity, headDim] = this.#rowDims;
    for (const { data } of this.#layers) {
      for (let head = 0; head < heads; head++) {
        const source = (from * heads + head) * capacity;
        const target = (to * heads + head) * capacity;
        data.copyWithin((target + start) * headDim, (source + start) * headDim, (source + end) * headDim);
      }
    }
  }

  /**
   * Tensors over `count` rows from `first` on, by the suffix of their names in the graph (`3.key`).
   * The caller releases them.
   */
  rows(first: number, count: number): { name: string; tensor: Tensor }[] {
    const [heads, capacity, headDim] = this.#rowDims;
    const row = heads * capacity * headDim;
    return this.#layers.map(({ name, data }) => ({
      name,
      tensor: Tensor.fromArray(data.subarray(first * row, (first + count) * row), [count, heads, capacity, headDim]),
    }));
  }
}
