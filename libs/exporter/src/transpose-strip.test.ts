import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transposeStrip } from './transpose-strip.ts';

/** Numbers that every type holds. */
const exact = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => (i % 255) - 127);

const sharedOf = (bytes: ArrayBuffer): SharedArrayBuffer => {
  const shared = new SharedArrayBuffer(bytes.byteLength);
  new Uint8Array(shared).set(new Uint8Array(bytes));
  return shared;
};

const STORED = {
  float32: (data: Float32Array) => sharedOf(new Float32Array(data).buffer),
  float16: (data: Float32Array) => sharedOf(new Float16Array(data).buffer),
  bfloat16: (data: Float32Array) =>
    sharedOf(Uint16Array.from(new Uint32Array(new Float32Array(data).buffer), (word) => word >>> 16).buffer),
} as const;

describe.each(['float32', 'float16', 'bfloat16'] as const)('a matrix of %s', (dtype) => {
  it.each(['float32', 'float16'] as const)('becomes rows of %s, whatever its shape', (type) => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, fc.nat(), fc.nat(), (rows, columns, from, length) => {
        const first = from % columns;
        const count = 1 + (length % (columns - first));
        const data = exact(rows * columns);
        const strip = { matrix: STORED[dtype](data), dtype, rows, columns, first, count, type };
        const outcome = transposeStrip(strip);
        if (outcome.kind !== 'transposed') throw new Error('too large');
        const { buffer } = outcome.bytes;
        const found = type === 'float16' ? new Float16Array(buffer) : new Float32Array(buffer);
        const expected = Array.from(found, (_, at) => data[(at % rows) * columns + first + Math.floor(at / rows)]);
        expect(found).toHaveLength(count * rows);
        expect([...found]).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});

it('says which number float16 cannot hold', () => {
  const matrix = STORED.float32(Float32Array.of(1, -70_000));
  const strip = { matrix, dtype: 'float32', rows: 1, columns: 2, first: 0, count: 2 } as const;
  expect(transposeStrip({ ...strip, type: 'float16' })).toEqual({ kind: 'tooLarge', value: -70_000 });
  expect(transposeStrip({ ...strip, type: 'float32' })).toMatchObject({ kind: 'transposed' });
});
