import { availableParallelism } from 'node:os';
import type { FloatDType } from '@eidetic/checkpoint';
import { Piscina } from 'piscina';
import { float16Overflow } from './float16.ts';
import type { ActivationType } from './linear.ts';
import { mapInOrder } from './map-in-order.ts';
import { type Matrix, type RowSpan, rowSpans } from './matrix.ts';
import type { BlockFormat, QuantizedRows } from './quantize.ts';
import type { WeightOutcome, WeightTask } from './weight-worker.ts';

const THREADS = availableParallelism();

/** While the threads compute, as many pieces again are being read or written. */
const UNDER_WAY = 2 * THREADS;

/** Columns of a matrix that are transposed at a time: of the largest one, 20 MB of float32. */
const STRIP_COLUMNS = 32;

/** Threads of this process that convert weights. They start when there is something to do, and end a second after. */
const threads = new Piscina<WeightTask, WeightOutcome>({
  filename: new URL('./weight-worker.ts', import.meta.url).href,
  name: 'convertWeights',
  minThreads: 0,
  maxThreads: THREADS,
  idleTimeout: 1000,
});

/** Quantises a matrix, some rows at a time, in order; see `quantizeRows`. */
export function quantizeMatrix(matrix: Matrix, format: BlockFormat): AsyncGenerator<QuantizedRows> {
  return mapInOrder(rowSpans(matrix), UNDER_WAY, async ({ first, count }) => {
    const rows = await matrix.read(first, count);
    const task = { kind: 'quantize', rows, columns: matrix.columns, format } as const;
    const outcome = await threads.run(task, { transferList: [rows.bytes.buffer] });
    if (outcome.kind !== 'quantized') throw new Error(`A thread that quantises answered ${outcome.kind}.`);
    return outcome;
  });
}

/**
 * The little-endian bytes of the transposed matrix, in order. Holds the matrix once, in its own type.
 *
 * @throws EideticError `invalid_checkpoint` when a number is too large for `type`; `name` says whose.
 */
export async function* transposeMatrix(name: string, matrix: Matrix, type: ActivationType): AsyncGenerator<Uint8Array> {
  const { rows, columns } = matrix;
  const { shared, dtype } = await readShared(matrix);
  yield* mapInOrder(stripsOf(columns), UNDER_WAY, async (strip) => {
    const outcome = await threads.run({ kind: 'transpose', matrix: shared, dtype, rows, columns, type, ...strip });
    if (outcome.kind === 'tooLarge') throw float16Overflow(name, outcome.value);
    if (outcome.kind !== 'transposed') throw new Error(`A thread that transposes answered ${outcome.kind}.`);
    return outcome.bytes;
  });
}

/** A whole matrix in memory that threads share. */
async function readShared(matrix: Matrix): Promise<{ shared: SharedArrayBuffer; dtype: FloatDType }> {
  let shared: SharedArrayBuffer | undefined;
  let dtype: FloatDType = 'float32';
  for await (const { span, rows } of chunksOf(matrix)) {
    const rowBytes = rows.bytes.length / span.count;
    shared ??= new SharedArrayBuffer(rowBytes * matrix.rows);
    dtype = rows.dtype;
    new Uint8Array(shared).set(rows.bytes, span.first * rowBytes);
  }
  return { shared: shared ?? new SharedArrayBuffer(0), dtype };
}

const chunksOf = (matrix: Matrix) =>
  mapInOrder(rowSpans(matrix), UNDER_WAY, async (span) => ({ span, rows: await matrix.read(span.first, span.count) }));

function* stripsOf(columns: number): Generator<RowSpan> {
  for (let first = 0; first < columns; first += STRIP_COLUMNS) {
    yield { first, count: Math.min(STRIP_COLUMNS, columns - first) };
  }
}
