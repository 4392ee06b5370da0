import type { LinearFormat } from './linear.ts';

/** Columns per block that every matrix of the family divides into, and that every kernel is right for. */
export const SMALL_BLOCK = 32;

/** Of int8: onnxruntime's CPU kernel gives a row the same bits in any number of rows, as it does in small blocks. */
const INT8_BLOCK = 64;

/** Columns from which on int8 has them. What is narrower lies in the processor's cache, and keeps the finer scales. */
const INT8_LEAST_COLUMNS = 1024;

/**
 * Of int4, the largest that loses little: the CPU kernel computes pairs of rows, and what is left over by other code whose last bits
 * differ. It is for graphs that see to even numbers of rows.
 */
export const WIDE_BLOCK = 128;

/**
 * Columns that share a scale: as many as are quick and leave a row's bits alone
 * (docs/decisions/0034-quantisation-blocks.md). Kernels for float16 activations have small blocks.
 */
export function blockSizeOf(columns: number, { precision, activations, evenRows }: LinearFormat): number {
  if (activations === 'float16') return SMALL_BLOCK;
  if (precision === 'int8') {
    return columns >= INT8_LEAST_COLUMNS && columns % INT8_BLOCK === 0 ? INT8_BLOCK : SMALL_BLOCK;
  }
  return evenRows && columns % WIDE_BLOCK === 0 ? WIDE_BLOCK : SMALL_BLOCK;
}
