import type { DType } from './dtype.ts';
import type { ShardFile } from './shard-file.ts';

/** What a checkpoint says of one tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  /** Row-major; empty for a scalar. */
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  /** Name of the shard that holds it. */
  readonly file: string;
}

/** A tensor and where its row-major little-endian bytes begin. */
export interface StoredTensor {
  readonly info: TensorInfo;
  readonly shard: ShardFile;
  readonly offset: number;
}

/** The contents of one shard: its tensors, and the bytes that describe them. */
export interface ShardContents {
  readonly tensors: readonly StoredTensor[];
  /** Header or directory as stored; part of the checkpoint's identity. */
  readonly directoryBytes: Uint8Array;
}
