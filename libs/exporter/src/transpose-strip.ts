import type { FloatDType } from '@eidetic/checkpoint';
import { tooLargeForFloat16 } from './float16.ts';
import type { ActivationType } from './linear.ts';

/** Some columns of a matrix that is to be written transposed. */
export interface Strip {
  /** The whole matrix `[rows, columns]`, row-major, in its own type; threads share it. */
  readonly matrix: SharedArrayBuffer;
  readonly dtype: FloatDType;
  readonly rows: number;
  readonly columns: number;
  /** Columns `first` to `first + count` become rows. */
  readonly first: number;
  readonly count: number;
  /** Type that is written. */
  readonly type: ActivationType;
}

/** `[count, rows]`, little endian; or a number that float16 cannot hold: error classes do not survive the way between threads. */
export type TransposedStrip =
  | { readonly kind: 'transposed'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'tooLarge'; readonly value: number };

/** Rows that are read at a time, so that what is written next to each other comes together: a cache line of float32. */
const LINE = 16;

/** Transposes a strip of a matrix. */
export function transposeStrip(strip: Strip): TransposedStrip {
  const { rows, count, type } = strip;
  const out = new Float32Array(count * rows);
  gather(strip, out);
  const value = type === 'float16' ? tooLargeForFloat16(out) : undefined;
  if (value !== undefined) return { kind: 'tooLarge', value };
  const written = type === 'float16' ? new Float16Array(out) : out;
  return { kind: 'transposed', bytes: new Uint8Array(written.buffer) };
}

function gather(strip: Strip, out: Float32Array): void {
  const { matrix, dtype } = strip;
  // bfloat16 is the upper half of float32.
  if (dtype === 'bfloat16') copyStrip(strip, new Uint16Array(matrix), new Uint32Array(out.buffer), 65_536);
  else if (dtype === 'float16') copyStrip(strip, new Float16Array(matrix), out, 1);
  else copyStrip(strip, new Float32Array(matrix), out, 1);
}

type Numbers = Uint16Array | Uint32Array | Float16Array | Float32Array;

function copyStrip({ rows, columns, first, count }: Strip, from: Numbers, to: Numbers, factor: number): void {
  for (let line = 0; line < rows; line += LINE) {
    const end = Math.min(line + LINE, rows);
    for (let c = 0; c < count; c++) {
      for (let r = line; r < end; r++) to[c * rows + r] = factor * (from[r * columns + first + c] ?? 0);
    }
  }
}
