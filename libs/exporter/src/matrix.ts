/** A weight matrix `[rows, columns]` (output features by input features) that is read in row ranges. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Rows `first` to `first + count`, row-major. */
  read(first: number, count: number): Promise<Float32Array>;
}

/** Floats of a matrix held in memory at a time. */
const CHUNK_ELEMENTS = 4 * 1024 * 1024;

/** Reads the whole matrix in order, a bounded number of rows at a time. */
export async function* rowChunks(matrix: Matrix): AsyncGenerator<Float32Array> {
  const step = Math.max(1, Math.floor(CHUNK_ELEMENTS / matrix.columns));
  for (let first = 0; first < matrix.rows; first += step) {
    yield await matrix.read(first, Math.min(step, matrix.rows - first));
  }
}

/** A matrix that lies in memory. */
export function denseMatrix(data: Float32Array, rows: number, columns: number): Matrix {
  if (data.length !== rows * columns) throw new RangeError(`${data.length} numbers are not ${rows} x ${columns}.`);
  return { rows, columns, read: async (first, count) => data.subarray(first * columns, (first + count) * columns) };
}

/** Row-major `[rows, columns]` to row-major `[columns, rows]`. */
export function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c] ?? 0;
  }
  return out;
}
