import { toFloat32, type WeightRows } from './matrix.ts';
import { type BlockFormat, type QuantizedRows, quantizeRows } from './quantize.ts';
import { type Strip, type TransposedStrip, transposeStrip } from './transpose-strip.ts';

/** What is sent to a worker thread. */
export type WeightTask =
  | { readonly kind: 'quantize'; readonly rows: WeightRows; readonly columns: number; readonly format: BlockFormat }
  | ({ readonly kind: 'transpose' } & Strip);

/** What comes back. */
export type WeightOutcome = ({ readonly kind: 'quantized' } & QuantizedRows) | TransposedStrip;

/** Entry point of a worker thread. */
export function convertWeights(task: WeightTask): WeightOutcome {
  if (task.kind === 'transpose') return transposeStrip(task);
  return { kind: 'quantized', ...quantizeRows(toFloat32(task.rows), task.columns, task.format) };
}
