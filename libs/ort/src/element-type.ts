import { EideticError } from '@eidetic/core';

/** The typed arrays that tensors are made over. */
export type TensorArray =
  | Float32Array
  | Float64Array
  | Float16Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/**
 * Value of `ONNXTensorElementDataType` (onnxruntime_c_api.h), size of an element and the arrays that can hold such
 * elements. An array type stands for the first element type here that lists it.
 */
const ELEMENT_TYPES = {
  float32: { code: 1, sizeBytes: 4, arrays: ['Float32Array'] },
  uint8: { code: 2, sizeBytes: 1, arrays: ['Uint8Array'] },
  int8: { code: 3, sizeBytes: 1, arrays: ['Int8Array'] },
  uint16: { code: 4, sizeBytes: 2, arrays: ['Uint16Array'] },
  int16: { code: 5, sizeBytes: 2, arrays: ['Int16Array'] },
  int32: { code: 6, sizeBytes: 4, arrays: ['Int32Array'] },
  int64: { code: 7, sizeBytes: 8, arrays: ['BigInt64Array'] },
  bool: { code: 9, sizeBytes: 1, arrays: ['Uint8Array'] },
  float16: { code: 10, sizeBytes: 2, arrays: ['Float16Array', 'Uint16Array'] },
  float64: { code: 11, sizeBytes: 8, arrays: ['Float64Array'] },
  uint32: { code: 12, sizeBytes: 4, arrays: ['Uint32Array'] },
  uint64: { code: 13, sizeBytes: 8, arrays: ['BigUint64Array'] },
  bfloat16: { code: 16, sizeBytes: 2, arrays: ['Uint16Array'] },
} as const satisfies Record<string, { code: number; sizeBytes: number; arrays: readonly string[] }>;

/** Type of the elements of a tensor. */
export type ElementType = keyof typeof ELEMENT_TYPES;

const names = Object.keys(ELEMENT_TYPES) as readonly ElementType[];

/** Size of one element, in bytes. */
export const elementSize = (type: ElementType): number => ELEMENT_TYPES[type].sizeBytes;

/** onnxruntime's number for the type. */
export const elementCode = (type: ElementType): number => ELEMENT_TYPES[type].code;

/** The type with onnxruntime's number; undefined for the types that this package has no arrays for. */
export const elementTypeOf = (code: number): ElementType | undefined =>
  names.find((name) => ELEMENT_TYPES[name].code === code);

/** Whether an array holds elements of a type. */
export function holds(array: TensorArray, type: ElementType): boolean {
  const arrays: readonly string[] = ELEMENT_TYPES[type].arrays;
  return arrays.includes(array[Symbol.toStringTag]);
}

/** The element type that an array stands for when nothing else is said. */
export function defaultElementType(array: TensorArray): ElementType {
  const type = names.find((name) => holds(array, name));
  if (!type) {
    throw new EideticError('inference_failed', `A tensor cannot be made over a ${array[Symbol.toStringTag]}.`);
  }
  return type;
}

/** Number of elements of a shape; 1 for a scalar's `[]`. Throws for a dimension that is not a non-negative integer. */
export function elementCount(dims: readonly number[]): number {
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new EideticError('inference_failed', `[${dims}] is no shape: every dimension is a non-negative integer.`);
    }
  }
  return dims.reduce((product, dim) => product * dim, 1);
}
