import { describe, expect, it } from 'vitest';
import { denseMatrix, type Matrix } from './matrix.ts';
import { QuantizedPieces } from './quantized-pieces.ts';

const ROWS = 50_000;
const COLUMNS = 96;

const numbers = new Float32Array(ROWS * COLUMNS);
for (let i = 0; i < numbers.length; i++) numbers[i] = ((i * 7919) % 1009) / 1009 - 0.5;

/** A matrix that is read in several spans, and counts how often. */
function matrixOf(): { matrix: Matrix; reads: () => number } {
  const dense = denseMatrix(numbers, ROWS, COLUMNS);
  let rowsRead = 0;
  const read: Matrix['read'] = (first, count) => {
    rowsRead += count;
    return dense.read(first, count);
  };
  return { matrix: { ...dense, read }, reads: () => rowsRead / ROWS };
}

const bytesOf = async (pieces: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(pieces));

const same = (scales: Float32Array): Float32Array => scales;

describe('the parts of a quantised matrix', () => {
  it('are read once in order, and hold every row', async () => {
    const { matrix, reads } = matrixOf();
    const pieces = new QuantizedPieces(matrix, { bits: 4, blockSize: 32 });
    expect((await bytesOf(pieces.values())).length).toBe((ROWS * COLUMNS) / 2);
    expect((await bytesOf(pieces.scales(same))).length).toBe(ROWS * 3 * 4);
    expect((await bytesOf(pieces.zeroPoints())).length).toBe(ROWS * 2);
    expect(reads()).toBe(1);
  });

  it.each(['scales', 'zeroPoints'] as const)('are the same where only %s are still to be written', async (part) => {
    const { matrix, reads } = matrixOf();
    const format = { bits: 4, blockSize: 32 } as const;
    const inOrder = new QuantizedPieces(matrix, format);
    await bytesOf(inOrder.values());
    const resumed = new QuantizedPieces(matrix, format);
    const read = (pieces: QuantizedPieces) => bytesOf(part === 'scales' ? pieces.scales(same) : pieces.zeroPoints());
    expect((await read(resumed)).equals(await read(inOrder))).toBe(true);
    expect(reads()).toBe(2);
  });

  it('are two with 8 bits, and stored as they are narrowed', async () => {
    const { matrix } = matrixOf();
    const pieces = new QuantizedPieces(matrix, { bits: 8, blockSize: 32 });
    const half = (scales: Float32Array): Float16Array => new Float16Array(scales);
    expect((await bytesOf(pieces.scales(half))).length).toBe(ROWS * 3 * 2);
    expect((await bytesOf(pieces.zeroPoints())).length).toBe(0);
  });
});
