export { type Checkpoint, openCheckpoint, type RowChunk, type RowRange } from './checkpoint.ts';
export { DTYPE_BYTES, type DType } from './dtype.ts';
export { type FloatDType, isFloatDType, widenToFloat32 } from './float32.ts';
export type { TensorInfo } from './stored-tensor.ts';
