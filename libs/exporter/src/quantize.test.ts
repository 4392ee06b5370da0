import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_SIZE, quantizeRows } from './quantize.ts';

/** The layout of MatMulNBits, written the other way round. */
function dequantize(values: Uint8Array, scales: Float32Array, bits: 4 | 8): Float32Array {
  return Float32Array.from({ length: scales.length * BLOCK_SIZE }, (_, i) => {
    const byte = values[bits === 8 ? i : i >> 1] ?? 0;
    const level = bits === 8 ? byte - 128 : ((i & 1 ? byte >> 4 : byte & 15) as number) - 8;
    return level * (scales[Math.floor(i / BLOCK_SIZE)] ?? 0);
  });
}

const weights = fc.float32Array({
  minLength: 2 * BLOCK_SIZE,
  maxLength: 2 * BLOCK_SIZE,
  noNaN: true,
  min: -8,
  max: 8,
});

describe('quantizeRows', () => {
  it('keeps every int8 weight within half a step', () => {
    fc.assert(
      fc.property(weights, (row) => {
        const { values, scales } = quantizeRows(row, row.length, 8);
        dequantize(values, scales, 8).forEach((w, i) => {
          const scale = scales[Math.floor(i / BLOCK_SIZE)] ?? 0;
          expect(Math.abs(w - (row[i] ?? 0))).toBeLessThanOrEqual(scale * 0.5001 + 1e-30);
        });
      }),
    );
  });

  it('is never worse with int4 than rounding to the largest magnitude over eight', () => {
    fc.assert(
      fc.property(weights, (row) => {
        const { values, scales } = quantizeRows(row, row.length, 4);
        const found = dequantize(values, scales, 4);
        const squared = (approximation: Float32Array, from: number): number =>
          approximation.slice(from, from + BLOCK_SIZE).reduce((sum, w, i) => sum + (w - (row[from + i] ?? 0)) ** 2, 0);
        for (const from of [0, BLOCK_SIZE]) {
          const block = row.subarray(from, from + BLOCK_SIZE);
          const extreme = block.reduce((best, w) => (Math.abs(w) > Math.abs(best) ? w : best), 0);
          const scale = extreme / -8;
          const plain = row.map((w) => (scale === 0 ? 0 : Math.min(7, Math.max(-8, Math.round(w / scale))) * scale));
          expect(squared(found, from)).toBeLessThanOrEqual(squared(plain, from) * (1 + 1e-5) + 1e-12);
        }
      }),
    );
  });

  it('stores zeros as zeros', () => {
    for (const bits of [4, 8] as const) {
      const { values, scales } = quantizeRows(new Float32Array(BLOCK_SIZE), BLOCK_SIZE, bits);
      expect([...dequantize(values, scales, bits)].every((w) => w === 0)).toBe(true);
    }
  });

  it('refuses rows that do not divide into blocks', () => {
    expect(() => quantizeRows(new Float32Array(40), 40, 8)).toThrow(/40 columns/);
  });
});
