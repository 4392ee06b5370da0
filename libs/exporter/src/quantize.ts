/**
 * Blockwise quantisation in the layout of onnxruntime's MatMulNBits: weights are rows of output features, cut along the
 * input features into blocks that share one scale and, with 4 bits, one zero point, `w = (q - zero point) * scale`.
 */

/** How rows are cut and stored. */
export interface BlockFormat {
  readonly bits: 4 | 8;
  /** Weights per scale; a power of two of at least 16. */
  readonly blockSize: number;
}

/** Quantised rows. */
export interface QuantizedRows {
  /** `[rows, blocks, blockSize * bits / 8]`; with 4 bits the first of two neighbours is in the low nibble. */
  readonly values: Uint8Array;
  /** `[rows, blocks]`. */
  readonly scales: Float32Array;
  /** `[rows, ⌈blocks / 2⌉]`, packed like the values; of 8 bits absent: all are 128. */
  readonly zeroPoints?: Uint8Array;
}

/**
 * Rounds to the nearest of 2^bits levels per block: symmetric around 0 with 8 bits, between the least and the largest weight
 * with 4.
 *
 * @param weights `[rows, columns]`, row-major; `columns` is a multiple of the block size.
 */
export function quantizeRows(weights: Float32Array, columns: number, { bits, blockSize }: BlockFormat): QuantizedRows {
  if (columns % blockSize !== 0) throw new RangeError(`${columns} columns are not a multiple of ${blockSize}.`);
  const scales = new Float32Array(weights.length / blockSize);
  const values = new Uint8Array((weights.length * bits) / 8);
  if (bits === 8) {
    for (let b = 0; b < scales.length; b++) scales[b] = toInt8(weights, b * blockSize, blockSize, values);
    return { values, scales };
  }
  const rowBlocks = columns / blockSize;
  const rowBytes = Math.ceil(rowBlocks / 2);
  const zeroPoints = new Uint8Array((scales.length / rowBlocks) * rowBytes);
  for (let b = 0; b < scales.length; b++) {
    const [row, block] = [Math.floor(b / rowBlocks), b % rowBlocks];
    const { scale, zero } = toInt4(weights, b * blockSize, blockSize, values);
    scales[b] = scale;
    const at = row * rowBytes + (block >> 1);
    zeroPoints[at] = (zeroPoints[at] ?? 0) | (zero << (4 * (block % 2)));
  }
  return { values, scales, zeroPoints };
}

// A full-size model has eight billion weights to quantise, so what follows is written for speed: Math.round takes several
// times as long as rounding down what a half was added to.

/** Quantises the `count` weights from `from` on; returns their scale. */
function toInt8(weights: Float32Array, from: number, count: number, values: Uint8Array): number {
  let largest = 0;
  for (let i = from; i < from + count; i++) largest = Math.max(largest, Math.abs(weights[i] ?? 0));
  const scale = largest / 127;
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = from; i < from + count; i++) values[i] = Math.floor((weights[i] ?? 0) * inverse + 0.5) + 128;
  return scale;
}

/** Quantises the `count` weights from `from` on. */
function toInt4(
  weights: Float32Array,
  from: number,
  count: number,
  values: Uint8Array,
): { readonly scale: number; readonly zero: number } {
  let least = 0;
  let largest = 0;
  for (let i = from; i < from + count; i++) {
    const w = weights[i] ?? 0;
    if (w < least) least = w;
    else if (w > largest) largest = w;
  }
  const range = largest - least;
  // 0 lies among the levels, so that zeros stay zeros. Whatever is clipped, it is the same one.
  const zero = range === 0 ? 8 : Math.floor((-15 * least) / range + 0.5);
  const scale = bestInt4Scale(weights, from, count, range / 15, zero);
  const inverse = scale === 0 ? 0 : 1 / scale;
  const offset = zero + 0.5;
  for (let i = from; i < from + count; i += 2) {
    const [first, second] = [weights[i] ?? 0, weights[i + 1] ?? 0];
    values[i >> 1] = int4Level(first * inverse + offset) | (int4Level(second * inverse + offset) << 4);
  }
  return { scale, zero };
}

/** The nearest of the levels 0 to 15 to what a half was added to. */
function int4Level(x: number): number {
  const level = x | 0;
  return level < 0 ? 0 : Math.min(level, 15);
}

/** Parts of a block's range that its levels are tried on: clipping the outermost weights a little often pays for a finer grid. */
const RANGES = [1.06, 1, 0.94, 0.88, 0.82, 0.76, 0.7];

/** The scale of least squared error among a few up to a little more than `whole`, which covers the whole range. */
function bestInt4Scale(weights: Float32Array, from: number, count: number, whole: number, zero: number): number {
  if (whole === 0) return 0;
  let best = whole;
  let least = Number.POSITIVE_INFINITY;
  for (const part of RANGES) {
    const scale = whole * part;
    const error = scale ** 2 * squaredSteps(weights, from, count, 1 / scale, zero);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

/** The squared error of a block in units of a step, summed in two halves that a processor computes side by side. */
function squaredSteps(weights: Float32Array, from: number, count: number, inverse: number, zero: number): number {
  let even = 0;
  let odd = 0;
  for (let i = from; i < from + count; i += 2) {
    const x = (weights[i] ?? 0) * inverse + zero;
    const y = (weights[i + 1] ?? 0) * inverse + zero;
    even += (x - int4Level(x + 0.5)) ** 2;
    odd += (y - int4Level(y + 0.5)) ** 2;
  }
  return even + odd;
}
