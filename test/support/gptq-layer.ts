/** A layer as AutoGPTQ stores it, made and read by the rules of its `qlinear_cuda_old.py`, independently of the exporter. */

/** What one quantised layer is made of before it is packed. */
export interface QuantizedLayer {
  readonly rows: number;
  readonly columns: number;
  /** 0 to 15, `[rows, columns]`. */
  readonly levels: Uint8Array;
  /** The group of each column. */
  readonly groupOf: Int32Array;
  /** Of what is computed, before anything is taken off for storage: `[groups, rows]`. */
  readonly zeros: Uint8Array;
  /** `[groups, rows]`. */
  readonly scales: Float16Array;
  /** `[rows]`. */
  readonly bias: Float16Array;
}

/** The tensors of a layer by the last part of their names. */
export interface PackedLayer {
  readonly rows: number;
  readonly columns: number;
  readonly qweight: Int32Array;
  readonly qzeros: Int32Array;
  readonly scales: Float16Array;
  readonly g_idx: Int32Array;
  readonly bias: Float16Array;
}

/** What is taken off zero points before they are packed: 1, or 0 in `gptq_v2`. */
export type ZeroOffset = 0 | 1;

/** Packs a layer: eight levels a word, along the columns; eight zero points a word, along the rows; the first lowest. */
export function packLayer(layer: QuantizedLayer, zeroOffset: ZeroOffset = 1): PackedLayer {
  const { rows, columns, levels, groupOf, zeros, scales, bias } = layer;
  const qweight = new Int32Array((columns / 8) * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      setNibble(qweight, (column >> 3) * rows + row, column & 7, levels[row * columns + column] ?? 0);
    }
  }
  const groups = zeros.length / rows;
  const qzeros = new Int32Array((groups * rows) / 8);
  for (let group = 0; group < groups; group++) {
    for (let row = 0; row < rows; row++) {
      const stored = (zeros[group * rows + row] ?? 0) - zeroOffset;
      setNibble(qzeros, group * (rows / 8) + (row >> 3), row & 7, stored);
    }
  }
  return { rows, columns, qweight, qzeros, scales, g_idx: groupOf, bias };
}

/** The weights `[rows, columns]` that a packed layer stands for: exact, since a product of 4 and 11 bits fits a float32. */
export function dequantize(packed: PackedLayer, zeroOffset: ZeroOffset = 1): Float32Array {
  const { rows, columns, qweight, qzeros, scales, g_idx } = packed;
  const weights = new Float32Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const group = g_idx[column] ?? 0;
    for (let row = 0; row < rows; row++) {
      const level = getNibble(qweight, (column >> 3) * rows + row, column & 7);
      const zero = getNibble(qzeros, group * (rows / 8) + (row >> 3), row & 7) + zeroOffset;
      weights[row * columns + column] = (level - zero) * (scales[group * rows + row] ?? 0);
    }
  }
  return weights;
}

const setNibble = (words: Int32Array, word: number, index: number, value: number): void => {
  words[word] = (words[word] ?? 0) | ((value & 15) << (4 * index));
};

const getNibble = (words: Int32Array, word: number, index: number): number => ((words[word] ?? 0) >>> (4 * index)) & 15;

/** Columns in order: the groups of quantisation without `desc_act`. */
export const groupsInOrder = (columns: number, groupSize: number): Int32Array =>
  Int32Array.from({ length: columns }, (_, column) => Math.floor(column / groupSize));
