import type { DType } from './dtype.ts';

/** Element types whose every value is a float32 value. */
export type FloatDType = Extract<DType, 'float16' | 'bfloat16' | 'float32'>;

/** Whether every value of the type is a float32 value. */
export const isFloatDType = (dtype: DType): dtype is FloatDType =>
  dtype === 'float16' || dtype === 'bfloat16' || dtype === 'float32';

/** Converts half-width elements exactly, subnormals, infinities and signed zeros included; a NaN stays a NaN. */
export function widenToFloat32(source: ArrayBuffer, dtype: 'float16' | 'bfloat16', target: Float32Array): void {
  if (dtype === 'float16') {
    target.set(new Float16Array(source, 0, target.length));
    return;
  }
  // bfloat16 is the upper half of float32.
  const halves = new Uint16Array(source, 0, target.length);
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] ?? 0) << 16;
}
