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
  const blocks = weights.length / BLOCK_SIZE;
  const scales = new Float32Array(blocks);
  const values = new Uint8Array((weights.length * bits) / 8);
  const block = new Uint8Array(BLOCK_SIZE);
  for (let b = 0; b < blocks; b++) {
    const from = b * BLOCK_SIZE;
    const scale = bits === 4 ? bestInt4Scale(weights, from) : absoluteMaximum(weights, from) / 127;
    scales[b] = scale;
    roundBlock(weights, from, scale, bits, block);
    if (bits === 8) {
      values.set(block, from);
    } else {
      for (let i = 0; i < BLOCK_SIZE; i += 2) values[(from + i) >> 1] = at(block, i) | (at(block, i + 1) << 4);
    }
  }
  return { values, scales };
}

const at = (array: Float32Array | Uint8Array, index: number): number => array[index] ?? 0;

function roundBlock(weights: Float32Array, from: number, scale: number, bits: 4 | 8, into: Uint8Array): void {
  const zero = 1 << (bits - 1);
  const top = (1 << bits) - 1;
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = 0; i < BLOCK_SIZE; i++) {
    into[i] = Math.min(top, Math.max(0, Math.round(at(weights, from + i) * inverse) + zero));
  }
}

function absoluteMaximum(weights: Float32Array, from: number): number {
  let maximum = 0;
  for (let i = from; i < from + BLOCK_SIZE; i++) maximum = Math.max(maximum, Math.abs(at(weights, i)));
  return maximum;
}

/**
 * The scale of least squared error among a few around the one that maps the largest magnitude onto -8, the level that
 * has no positive twin. Clipping the largest weight a little often pays for a finer grid.
 */
function bestInt4Scale(weights: Float32Array, from: number): number {
  let extreme = 0;
  for (let i = from; i < from + BLOCK_SIZE; i++) {
    if (Math.abs(at(weights, i)) > Math.abs(extreme)) extreme = at(weights, i);
  }
  let best = extreme / -8;
  let least = Number.POSITIVE_INFINITY;
  for (let step = -4; step <= 4; step++) {
    const scale = extreme / (-8 + step * 0.25);
    const error = squaredError(weights, from, scale);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

function squaredError(weights: Float32Array, from: number, scale: number): number {
  if (scale === 0) return 0;
  const inverse = 1 / scale;
  let sum = 0;
  for (let i = from; i < from + BLOCK_SIZE; i++) {
    const w = at(weights, i);
    const q = Math.min(7, Math.max(-8, Math.round(w * inverse)));
    sum += (w - q * scale) ** 2;
  }
  return sum;
}
