import { describe, expect, it } from 'vitest';
import type { QwenVlConfig } from '../config.ts';
import { rotaryTables } from './rotary.ts';

/** The constants of Qwen-VL-Chat that positions depend on. */
const config = {
  headDim: 128,
  maxPositions: 8192,
  trainedPositions: 2048,
  ropeBase: 10000,
  dynamicNtk: true,
  lognAttention: true,
} as QwenVlConfig;

describe('rotaryTables', () => {
  const tables = rotaryTables(config);
  const at = (table: number, position: number, i: number): number => (table * 8192 + position) * 64 + i;

  it('has one table for each range of prompt lengths', () => {
    expect(tables.tables).toEqual([
      { maxPrompt: 2048, offset: 0 },
      { maxPrompt: 4096, offset: 8192 },
      { maxPrompt: 8192, offset: 16384 },
    ]);
  });

  it('raises the base by alpha 1, 3 and 7 to the power of 128 / 126', () => {
    for (const [table, base] of [10000, 30527.737, 72195.86].entries()) {
      const angle = 1000 * base ** (-2 / 128);
      expect(tables.keyCos[at(table, 1000, 1)]).toBeCloseTo(Math.cos(angle), 3);
      expect(tables.keySin[at(table, 1000, 1)]).toBeCloseTo(Math.sin(angle), 3);
    }
  });

  it('scales queries beyond the trained length by ln(position + 1) / ln(2048), and nothing else', () => {
    expect(tables.queryCos[at(0, 2047, 5)]).toBe(tables.keyCos[at(0, 2047, 5)]);
    for (const [length, factor] of [
      [3000, 1.050068],
      [4096, 12 / 11],
      [8192, 13 / 11],
    ] as const) {
      const index = at(2, length - 1, 60);
      expect((tables.queryCos[index] ?? 0) / (tables.keyCos[index] ?? 0)).toBeCloseTo(factor, 5);
    }
  });

  it('has a single plain table when the checkpoint uses neither', () => {
    const plain = rotaryTables({ ...config, dynamicNtk: false, lognAttention: false });
    expect(plain.tables).toEqual([{ maxPrompt: 8192, offset: 0 }]);
    expect(plain.queryCos).toEqual(plain.keyCos);
  });
});
