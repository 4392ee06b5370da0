import { type FloatDType, widenToFloat32 } from '@eidetic/checkpoint';

/** Consecutive rows of a matrix, as a checkpoint holds them. */
export interface WeightRows {
  readonly dtype: FloatDType;
  /** Row-major, little endian; nothing else is in its buffer, so that it can move to another thread. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A weight matrix `[rows, columns]` (output features by input features) that is read in row ranges. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Rows `first` to `first + count`. */
  read(first: number, count: number): Promise<WeightRows>;
}

/** Numbers of a matrix held in memory at a time. */
const CHUNK_ELEMENTS = 4 * 1024 * 1024;

/** Rows `first` to `first + count`. */
export interface RowSpan {
  readonly first: number;
  readonly count: number;
}

/** Cuts the rows of a matrix, in order, into spans that are small enough to hold. */
export function* rowSpans({ rows, columns }: Matrix): Generator<RowSpan> {
  const step = Math.max(1, Math.floor(CHUNK_ELEMENTS / columns));
  for (let first = 0; first < rows; first += step) yield { first, count: Math.min(step, rows - first) };
}

/** Rows as float32, exactly. */
export function toFloat32({ dtype, bytes }: WeightRows): Float32Array<ArrayBuffer> {
  if (dtype === 'float32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const target = new Float32Array(bytes.byteLength / 2);
  widenToFloat32(bytes.buffer, dtype, target);
  return target;
}

/** A matrix that lies in memory. */
export function denseMatrix(data: Float32Array, rows: number, columns: number): Matrix {
  if (data.length !== rows * columns) throw new RangeError(`${data.length} numbers are not ${rows} x ${columns}.`);
  return {
    rows,
    columns,
    read: async (first, count) => {
      const part = data.slice(first * columns, (first + count) * columns);
      return { dtype: 'float32', bytes: new Uint8Array(part.buffer) };
    },
  };
}

/**
 * A matrix with its rows in another order.
 *
 * @param sourceRow The row of `matrix` that stands at each row of the result; read in runs where it counts up.
 */
export function permuteRows(matrix: Matrix, sourceRow: (row: number) => number): Matrix {
  return {
    rows: matrix.rows,
    columns: matrix.columns,
    async read(first, count) {
      const parts: WeightRows[] = [];
      for (let row = first; row < first + count; ) {
        let run = 1;
        while (row + run < first + count && sourceRow(row + run) === sourceRow(row) + run) run++;
        parts.push(await matrix.read(sourceRow(row), run));
        row += run;
      }
      return { dtype: parts[0]?.dtype ?? 'float32', bytes: concat(parts.map(({ bytes }) => bytes)) };
    },
  };
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Row-major `[rows, columns]` to row-major `[columns, rows]`. */
export function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c] ?? 0;
  }
  return out;
}
