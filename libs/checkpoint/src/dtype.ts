import type { CheckpointLocation } from './invalid-checkpoint.ts';
import { invalidCheckpoint } from './invalid-checkpoint.ts';

/** Bytes of one element of every type that can be read. */
export const DTYPE_BYTES = {
  bool: 1,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  float16: 2,
  bfloat16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  uint64: 8,
  int64: 8,
  float64: 8,
} as const;

/** Element type of a stored tensor. */
export type DType = keyof typeof DTYPE_BYTES;

/** More dimensions than any framework writes. */
const MAX_DIMENSIONS = 16;

/**
 * Product of a shape's dimensions (1 for a scalar).
 *
 * @throws EideticError `invalid_checkpoint` unless the dimensions are few, whole, not negative, and their product (zeros
 * left out) is exact in a double.
 */
export function elementCount(shape: readonly number[], where: CheckpointLocation): number {
  if (shape.length > MAX_DIMENSIONS) {
    throw invalidCheckpoint(
      where,
      `The shape has ${shape.length} dimensions; at most ${MAX_DIMENSIONS} are supported.`,
    );
  }
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw invalidCheckpoint(where, `The shape [${shape}] has a dimension that is not a whole number.`);
    }
    if (size > 0) count *= size;
    if (!Number.isSafeInteger(count * 8)) throw invalidCheckpoint(where, `The shape [${shape}] is too large.`);
  }
  return shape.includes(0) ? 0 : count;
}
