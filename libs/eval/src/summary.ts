import { findBoxes } from './box.ts';
import type { EvalResult } from './result.ts';

/** Figures of one group of results. Failed questions count as wrong. */
export interface EvalGroup {
  readonly task: string;
  readonly language: string;
  readonly questions: number;
  readonly failed: number;
  readonly exact: number;
  /** Over the questions whose wanted answer holds boxes; `undefined` when there are none. */
  readonly meanIou: number | undefined;
  /** Share of the wanted boxes found with an intersection over union of at least 0.5, averaged over questions. */
  readonly found: number | undefined;
  /** Share of outputs that are the reference implementation's, over the questions that tell it. */
  readonly asReference: number | undefined;
}

/** Figures per task and language, in alphabetical order, then over everything (task `all`, language `all`). */
export function summarise(results: readonly EvalResult[]): readonly EvalGroup[] {
  const keys = new Set(results.map(({ task, language }) => JSON.stringify([task, language])));
  const groups = [...keys].sort().map((key) => {
    const [task, language] = JSON.parse(key) as [string, string];
    return group(
      task,
      language,
      results.filter((result) => result.task === task && result.language === language),
    );
  });
  return [...groups, group('all', 'all', results)];
}

function group(task: string, language: string, results: readonly EvalResult[]): EvalGroup {
  const answered = results.filter((result) => 'output' in result);
  const boxes = results.flatMap((result) => {
    if ('output' in result) return result.boxes ?? [];
    return findBoxes(result.answer).length > 0 ? { meanIou: 0, found: 0 } : [];
  });
  return {
    task,
    language,
    questions: results.length,
    failed: results.length - answered.length,
    exact:
      mean(
        answered.map(({ exact }) => Number(exact)),
        results.length,
      ) ?? 0,
    meanIou: mean(boxes.map(({ meanIou }) => meanIou)),
    found: mean(boxes.map(({ found }) => found)),
    asReference: mean(answered.flatMap(({ asReference }) => (asReference === undefined ? [] : Number(asReference)))),
  };
}

function mean(values: readonly number[], count = values.length): number | undefined {
  return count === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / count;
}

/** A Markdown table of the groups. */
export function formatSummary(groups: readonly EvalGroup[]): string {
  const percent = (share: number | undefined) => (share === undefined ? '' : `${(100 * share).toFixed(1)} %`);
  const rows = groups.map((entry) => [
    entry.task,
    entry.language,
    String(entry.questions),
    String(entry.failed),
    percent(entry.exact),
    entry.meanIou?.toFixed(3) ?? '',
    percent(entry.found),
    percent(entry.asReference),
  ]);
  return formatRows([HEADINGS, ...rows]);
}

const HEADINGS = ['task', 'language', 'questions', 'failed', 'exact', 'mean IoU', 'IoU ≥ 0.5', 'as reference'];

function formatRows(rows: readonly (readonly string[])[]): string {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
