import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BlockFormat, type QuantizedRows, quantizeRows } from './quantize.ts';

const BLOCK_SIZES = [32, 64, 128] as const;

const nibble = (bytes: Uint8Array, index: number): number => ((bytes[index >> 1] ?? 0) >> (4 * (index & 1))) & 15;

/** The layout of MatMulNBits, written the other way round. */
function dequantize(
  { values, scales, zeroPoints }: QuantizedRows,
  columns: number,
  { bits, blockSize }: BlockFormat,
): number[] {
  const blocks = columns / blockSize;
  return Array.from({ length: scales.length * blockSize }, (_, i) => {
    const [row, block] = [Math.floor(i / columns), Math.floor((i % columns) / blockSize)];
    const zero = zeroPoints ? nibble(zeroPoints, row * 2 * Math.ceil(blocks / 2) + block) : 128;
    const level = bits === 8 ? (values[i] ?? 0) : nibble(values, i);
    return (level - zero) * (scales[row * blocks + block] ?? 0);
  });
}

/** Rows of three blocks: an odd number of zero points, so that each row's are padded. */
const rowsOf = (blockSize: number): fc.Arbitrary<Float32Array> =>
  fc.oneof(
    fc.float32Array({ minLength: 6 * blockSize, maxLength: 6 * blockSize, noNaN: true, min: -8, max: 8 }),
    fc.float32Array({ minLength: 6 * blockSize, maxLength: 6 * blockSize, noNaN: true, min: 0.5, max: 8 }),
    fc.float32Array({
      minLength: 6 * blockSize,
      maxLength: 6 * blockSize,
      noNaN: true,
      min: -8,
      max: Math.fround(-0.1),
    }),
  );

describe.each(BLOCK_SIZES)('quantizeRows in blocks of %i', (blockSize) => {
  const columns = 3 * blockSize;
  const weights = rowsOf(blockSize);

  it('keeps every int8 weight within half a step', () => {
    const format = { bits: 8, blockSize } as const;
    fc.assert(
      fc.property(weights, (rows) => {
        const quantized = quantizeRows(rows, columns, format);
        expect(quantized.zeroPoints).toBeUndefined();
        dequantize(quantized, columns, format).forEach((w, i) => {
          const scale = quantized.scales[Math.floor(i / blockSize)] ?? 0;
          expect(Math.abs(w - (rows[i] ?? 0))).toBeLessThanOrEqual(scale * 0.5001 + 1e-30);
        });
      }),
    );
  });

  it('is never worse with int4 than sixteen even steps from the least weight to the largest', () => {
    const format = { bits: 4, blockSize } as const;
    fc.assert(
      fc.property(weights, (rows) => {
        const found = dequantize(quantizeRows(rows, columns, format), columns, format);
        for (let from = 0; from < rows.length; from += blockSize) {
          const block = [...rows.subarray(from, from + blockSize)];
          const least = Math.min(0, ...block);
          const range = Math.max(0, ...block) - least;
          const scale = range / 15 || 1;
          const zero = Math.round(-least / scale);
          const plain = block.map((w) => (Math.min(15, Math.max(0, Math.round(w / scale) + zero)) - zero) * scale);
          const distance = (approximation: readonly number[]): number =>
            Math.hypot(...approximation.map((w, i) => w - (block[i] ?? 0)));
          // A stored scale has 24 bits, and each weight is off by as much.
          const rounding = 1e-7 * range * Math.sqrt(blockSize);
          expect(distance(found.slice(from, from + blockSize))).toBeLessThanOrEqual(distance(plain) + rounding);
        }
      }),
    );
  });

  it.each([4, 8] as const)('stores zeros as zeros in %i bits', (bits) => {
    const format = { bits, blockSize };
    fc.assert(
      fc.property(weights, fc.integer({ min: 0, max: 6 * blockSize - 1 }), (rows, at) => {
        const some = rows.map((w, i) => (i % 5 === at % 5 ? 0 : w));
        const found = dequantize(quantizeRows(some, columns, format), columns, format);
        expect(found.filter((_, i) => some[i] === 0).every((w) => w === 0)).toBe(true);
      }),
    );
    const nothing = quantizeRows(new Float32Array(2 * columns), columns, format);
    expect(dequantize(nothing, columns, format).every((w) => w === 0)).toBe(true);
  });

  it.each([4, 8] as const)('gives a row the same bytes wherever it lies, in %i bits', (bits) => {
    fc.assert(
      fc.property(weights, (rows) => {
        const swapped = Float32Array.of(...rows.subarray(columns), ...rows.subarray(0, columns));
        const [one, other] = [rows, swapped].map((data) => quantizeRows(data, columns, { bits, blockSize }));
        for (const part of ['values', 'scales', 'zeroPoints'] as const) {
          const half = (one?.[part]?.length ?? 0) / 2;
          expect(other?.[part]?.slice(half)).toEqual(one?.[part]?.slice(0, half));
        }
      }),
    );
  });

  it('refuses rows that do not divide into blocks', () => {
    const refused = blockSize + 8;
    expect(() => quantizeRows(new Float32Array(refused), refused, { bits: 8, blockSize })).toThrow(
      `${refused} columns are not a multiple of ${blockSize}`,
    );
  });
});

it('loses less to int4 than one scale around 0 for as many weights does', () => {
  // Normal numbers: sums of twelve uniform ones that are the same every time.
  const uniform = (i: number): number => {
    const x = Math.sin(i * 12.9898) * 43758.5453;
    return x - Math.floor(x);
  };
  const weights = Float32Array.from({ length: 128 * 64 }, (_, i) =>
    Array.from({ length: 12 }, (_, j) => uniform(12 * i + j)).reduce((sum, x) => sum + x, -6),
  );
  const energy = weights.reduce((sum, w) => sum + w * w, 0);
  const errorOf = (blockSize: number): number => {
    const format = { bits: 4, blockSize } as const;
    const found = dequantize(quantizeRows(weights, 128, format), 128, format);
    return Math.sqrt(found.reduce((sum, w, i) => sum + (w - (weights[i] ?? 0)) ** 2, 0) / energy);
  };
  const largestOverEight = (from: number): number => {
    const block = weights.subarray(from, from + 128);
    const scale = Math.max(...block.map(Math.abs)) / 8;
    return block.reduce((sum, w) => sum + (w - Math.min(7, Math.max(-8, Math.round(w / scale))) * scale) ** 2, 0);
  };
  const symmetric = Array.from({ length: 64 }, (_, i) => largestOverEight(128 * i)).reduce((sum, x) => sum + x, 0);
  expect(errorOf(128)).toBeLessThan(0.95 * Math.sqrt(symmetric / energy));
  expect(errorOf(32)).toBeLessThan(0.88 * errorOf(128));
});
