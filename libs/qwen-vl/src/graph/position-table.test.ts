import { describe, expect, it } from 'vitest';
import { resizePositionTable } from './position-table.ts';

describe('resizePositionTable', () => {
  it('has the taps of torch.nn.functional.interpolate (bicubic, align_corners=False) when doubling', () => {
    // A one-hot row: what comes out around it are the taps themselves (16 to 32, one column of width 1 per row).
    const table = new Float32Array(16 * 16);
    for (let x = 0; x < 16; x++) table[8 * 16 + x] = 1;
    const resized = resizePositionTable(table, 16, 32, 1);
    const column = Array.from({ length: 32 }, (_, y) => resized[y * 32 + 10]);
    const odd = [-0.10546875, 0.87890625, 0.26171875, -0.03515625];
    expect(column.slice(13, 21)).toEqual([odd[3], odd[0], odd[2], odd[1], odd[1], odd[2], odd[0], odd[3]]);
  });

  it('keeps a constant table constant up to its edges', () => {
    const resized = resizePositionTable(new Float32Array(16 * 16 * 2).fill(3), 16, 23, 2);
    expect([...resized].every((x) => Math.abs(x - 3) < 1e-5)).toBe(true);
  });

  it('leaves a table of the right size alone', () => {
    const table = Float32Array.of(1, 2, 3, 4);
    expect(resizePositionTable(table, 2, 2, 1)).toBe(table);
  });
});
