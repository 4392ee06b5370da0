import type { QwenVlConfig } from '../config.ts';

/** Rotary tables for every base that dynamic NTK can choose, stacked: row `table * maxPositions + position`. */
export interface RotaryTables {
  /** Cosines and sines for keys, `[tables * maxPositions, headDim / 2]`. */
  readonly keyCos: Float32Array;
  readonly keySin: Float32Array;
  /** The same for queries, times the logn factor: rotation is linear, so the factor costs nothing. */
  readonly queryCos: Float32Array;
  readonly querySin: Float32Array;
  /** Longest prompt that each table serves, and its first row. */
  readonly tables: readonly { readonly maxPrompt: number; readonly offset: number }[];
}

/**
 * The tables of `get_ntk_alpha` and `logn_list` in the reference (`modeling_qwen.py`). The base depends on the length of the
 * whole prompt: `alpha = 2^ceil(log2(length / trained) + 1) - 1`, `base * alpha^(d / (d - 2))`; a sequence keeps its alpha. The
 * query at position p is scaled by `ln(p + 1) / ln(trained)` beyond the trained length.
 */
export function rotaryTables(config: QwenVlConfig): RotaryTables {
  const { maxPositions, trainedPositions, headDim } = config;
  const tables: { maxPrompt: number; offset: number; alpha: number }[] = [];
  for (let maxPrompt = trainedPositions, alpha = 1; ; maxPrompt *= 2, alpha = 2 * alpha + 1) {
    const last = !config.dynamicNtk || maxPrompt >= maxPositions;
    tables.push({ maxPrompt: last ? maxPositions : maxPrompt, offset: tables.length * maxPositions, alpha });
    if (last) break;
  }
  const half = headDim / 2;
  const size = tables.length * maxPositions * half;
  const [keyCos, keySin] = [new Float32Array(size), new Float32Array(size)];
  const [queryCos, querySin] = [new Float32Array(size), new Float32Array(size)];
  for (const { offset, alpha } of tables) {
    const base = config.ropeBase * alpha ** (headDim / (headDim - 2));
    for (let i = 0; i < half; i++) {
      const frequency = base ** (-i / half);
      for (let p = 0; p < maxPositions; p++) {
        const at = (offset + p) * half + i;
        const factor = lognFactor(config, p);
        const [cos, sin] = [Math.cos(p * frequency), Math.sin(p * frequency)];
        keyCos[at] = cos;
        keySin[at] = sin;
        queryCos[at] = factor * cos;
        querySin[at] = factor * sin;
      }
    }
  }
  return { keyCos, keySin, queryCos, querySin, tables: tables.map(({ maxPrompt, offset }) => ({ maxPrompt, offset })) };
}

function lognFactor(config: QwenVlConfig, position: number): number {
  if (!config.lognAttention || position + 1 <= config.trainedPositions) return 1;
  return Math.log(position + 1) / Math.log(config.trainedPositions);
}
