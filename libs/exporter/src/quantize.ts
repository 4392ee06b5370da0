/**
 * Symmetric blockwise quantisation in the layout of onnxruntime's MatMulNBits: weights are rows of output features,
 * cut along the input features into blocks that share one scale, `w = (q - 2^(bits-1)) * scale`.
 */

/** Weights per scale. Every matrix of the family has a multiple of this many columns. */
export const BLOCK_SIZE = 32;

/** Quantised rows. */
export interface QuantizedRows {
  /** `[rows, blocks, BLOCK_SIZE * bits / 8]`; with 4 bits the first of two neighbours is in the low nibble. */
  readonly values: Uint8Array;
  /** `[rows, blocks]`. */
  readonly scales: Float32Array;
}

/**
 * Rounds to the nearest of 2^bits levels per block.
 *
 * @param weights `[rows, columns]`, row-major; `columns` is a multiple of {@link BLOCK_SIZE}.
 */
export function quantizeRows(weights: Float32Array, columns: number, bits: 4 | 8): QuantizedRows {
  if (columns % BLOCK_SIZE !== 0) throw new RangeError(`${columns} columns are not a multiple of ${BLOCK_SIZE}.`);
  const scales = new Float32Array(weights.length / BLOCK_SIZE);
  const values = new Uint8Array((weights.length * bits) / 8);
  const quantizeBlock = bits === 4 ? toInt4 : toInt8;
  for (let b = 0; b < scales.length; b++) scales[b] = quantizeBlock(weights, b * BLOCK_SIZE, values);
  return { values, scales };
}

// A full-size model has eight billion weights to quantise, so what follows is written for speed: Math.round takes several
// times as long as rounding down what a half was added to.

/** Quantises the block that begins at `from`; returns its scale. */
function toInt8(weights: Float32Array, from: number, values: Uint8Array): number {
  const scale = Math.abs(extremeOf(weights, from)) / 127;
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = from; i < from + BLOCK_SIZE; i++) values[i] = Math.floor((weights[i] ?? 0) * inverse + 0.5) + 128;
  return scale;
}

/** Quantises the block that begins at `from`; returns its scale. */
function toInt4(weights: Float32Array, from: number, values: Uint8Array): number {
  const scale = bestInt4Scale(weights, from);
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = from; i < from + BLOCK_SIZE; i += 2) {
    values[i >> 1] = int4Level((weights[i] ?? 0) * inverse) | (int4Level((weights[i + 1] ?? 0) * inverse) << 4);
  }
  return scale;
}

/** The nearest of the levels 0 to 15 to `x`, which counts from level 8 and is above -9.5: cutting off rounds down, and up to 0. */
const int4Level = (x: number): number => Math.min((x + 8.5) | 0, 15);

/** The number of largest magnitude in a block. */
function extremeOf(weights: Float32Array, from: number): number {
  let extreme = 0;
  for (let i = from; i < from + BLOCK_SIZE; i++) {
    const w = weights[i] ?? 0;
    if (Math.abs(w) > Math.abs(extreme)) extreme = w;
  }
  return extreme;
}

/**
 * The scale of least squared error among a few around the one that maps the largest magnitude onto -8, the level that
 * has no positive twin. Clipping the largest weight a little often pays for a finer grid.
 */
function bestInt4Scale(weights: Float32Array, from: number): number {
  const extreme = extremeOf(weights, from);
  if (extreme === 0) return 0;
  let best = extreme / -8;
  let least = Number.POSITIVE_INFINITY;
  for (let step = -4; step <= 4; step++) {
    const scale = extreme / (-8 + step * 0.25);
    const error = scale ** 2 * squaredSteps(weights, from, 1 / scale);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

/** The squared error of a block in units of a step, summed in two halves that a processor computes side by side. */
function squaredSteps(weights: Float32Array, from: number, inverse: number): number {
  let even = 0;
  let odd = 0;
  for (let i = from; i < from + BLOCK_SIZE; i += 2) {
    const x = (weights[i] ?? 0) * inverse;
    const y = (weights[i + 1] ?? 0) * inverse;
    even += (x + 8 - int4Level(x)) ** 2;
    odd += (y + 8 - int4Level(y)) ** 2;
  }
  return even + odd;
}
