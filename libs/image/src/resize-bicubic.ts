import type { RgbImage } from './rgb-image.ts';

/** Fraction bits of the fixed-point weights: 8 bits of pixel, 22 of fraction and 2 of headroom fill an int32. */
const FRACTION_BITS = 22;
const HALF = 1 << (FRACTION_BITS - 1);

/** Weights of one axis: output `i` is the sum of `counts[i]` inputs from `starts[i]`, weighted from `weights[i * stride]`. */
interface Axis {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Resizes without keeping the aspect ratio, with the antialiased bicubic filter of Pillow's `Image.resize`
 * (`Resample.c`): same weights, same 22-bit fixed point, same clipping to 8 bits between the horizontal and the vertical
 * pass. The result equals Pillow's bit for bit. An axis that already has its size is copied.
 *
 * `width` and `height` are positive integers. O(input pixels) when shrinking; the intermediate image has `width` columns.
 */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  const narrowed = image.width === width ? image : resizeColumns(image, width);
  return narrowed.height === height ? narrowed : resizeRows(narrowed, height);
}

// Inner loops read typed arrays with `?? 0`: the indices are in range, and V8 drops the test (measured: no cost).

function resizeColumns({ width, height, data }: RgbImage, outWidth: number): RgbImage {
  const { starts, counts, weights, stride } = filterAxis(width, outWidth);
  const out = new Uint8ClampedArray(outWidth * height * 3);
  let target = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width * 3;
    for (let x = 0; x < outWidth; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let source = row + (starts[x] ?? 0) * 3;
      const last = x * stride + (counts[x] ?? 0);
      for (let k = x * stride; k < last; k++) {
        const weight = weights[k] ?? 0;
        red += Math.imul(data[source] ?? 0, weight);
        green += Math.imul(data[source + 1] ?? 0, weight);
        blue += Math.imul(data[source + 2] ?? 0, weight);
        source += 3;
      }
      out[target] = red >> FRACTION_BITS;
      out[target + 1] = green >> FRACTION_BITS;
      out[target + 2] = blue >> FRACTION_BITS;
      target += 3;
    }
  }
  return { width: outWidth, height, data: new Uint8Array(out.buffer) };
}

function resizeRows({ width, height, data }: RgbImage, outHeight: number): RgbImage {
  const { starts, counts, weights, stride } = filterAxis(height, outHeight);
  const rowBytes = width * 3;
  const out = new Uint8ClampedArray(rowBytes * outHeight);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < outHeight; y++) {
    // Whole rows are accumulated: both arrays are walked in memory order.
    sums.fill(HALF);
    const count = counts[y] ?? 0;
    for (let k = 0; k < count; k++) {
      const weight = weights[y * stride + k] ?? 0;
      const source = ((starts[y] ?? 0) + k) * rowBytes;
      for (let i = 0; i < rowBytes; i++) sums[i] = (sums[i] ?? 0) + Math.imul(data[source + i] ?? 0, weight);
    }
    const target = y * rowBytes;
    for (let i = 0; i < rowBytes; i++) out[target + i] = (sums[i] ?? 0) >> FRACTION_BITS;
  }
  return { width, height: outHeight, data: new Uint8Array(out.buffer) };
}

/** `precompute_coeffs` and `normalize_coeffs_8bpc` of Pillow's `Resample.c`, in the same order of double operations. */
function filterAxis(inSize: number, outSize: number): Axis {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outSize);
  const counts = new Int32Array(outSize);
  const weights = new Int32Array(outSize * stride);
  const row = new Float64Array(stride);
  for (let i = 0; i < outSize; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), inSize) - start;
    let total = 0;
    for (let k = 0; k < count; k++) {
      const weight = cubic((k + start - center + 0.5) * (1 / filterScale));
      row[k] = weight;
      total += weight;
    }
    starts[i] = start;
    counts[i] = count;
    for (let k = 0; k < count; k++) {
      const fixed = ((row[k] ?? 0) / total) * (1 << FRACTION_BITS);
      weights[i * stride + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
  }
  return { starts, counts, weights, stride };
}

/** Keys' cubic convolution with a = -0.5. */
function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
