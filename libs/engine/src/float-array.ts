/** Numbers in the type of a model's activations. */
export type FloatArray = Float32Array | Float16Array;

/** The arrays for a type of activations. */
export const floatArrayOf = (dtype: 'float32' | 'float16'): Float32ArrayConstructor | Float16ArrayConstructor =>
  dtype === 'float16' ? Float16Array : Float32Array;
