import type { Dataset, Measure, ScoreRow } from './dataset.ts';
import { PUBLISHED, type PublishedRow } from './published.ts';

/** A row of the table with what was published of it. */
export interface SummaryRow extends ScoreRow {
  readonly published?: PublishedRow;
}

/** The figures of a run beside the published ones. */
export interface Summary {
  readonly dataset: string;
  readonly rows: readonly SummaryRow[];
  /** Where the published figures are from; absent: there are none of these rows. */
  readonly source?: string;
}

const MODELS = ['Qwen-VL', 'Qwen-VL-Chat'] as const;

/** Puts the published figures beside those of a run. */
export function summarise({ name }: Pick<Dataset, 'name'>, rows: readonly ScoreRow[]): Summary {
  const known = Object.hasOwn(PUBLISHED, name) ? PUBLISHED[name] : undefined;
  const withPublished = rows.map((row): SummaryRow => {
    const published = known !== undefined && Object.hasOwn(known.rows, row.part) ? known.rows[row.part] : undefined;
    return published === undefined ? row : { ...row, published };
  });
  const any = withPublished.some(({ published }) => published !== undefined);
  return { dataset: name, rows: withPublished, ...(any && known !== undefined && { source: known.source }) };
}

/** A Markdown table: a column for each measure, and one for each model of which something was published. */
export function formatSummary({ rows, source }: Summary, measures: readonly Measure[]): string {
  const models = MODELS.filter((model) => rows.some(({ published }) => published?.[model] !== undefined));
  const headings = ['part', 'questions', 'failed', ...measures.map(({ name }) => name), ...models];
  const [first] = measures;
  const body = rows.map(({ part, questions, failed, figures, published }) => [
    part,
    String(questions),
    String(failed),
    ...measures.map((measure) => formatFigure(figures[measure.name], measure)),
    // As many digits as were published.
    ...models.map((model) => (published?.[model] === undefined ? '' : `${published[model]}${first?.unit ?? ''}`)),
  ]);
  const table = formatRows([headings, ...body]);
  return source === undefined ? table : `${table}\n\nQwen-VL and Qwen-VL-Chat: ${source}.`;
}

const formatFigure = (value: number | undefined, { unit, digits }: Measure): string =>
  value === undefined ? '' : `${value.toFixed(digits)}${unit}`;

function formatRows(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
