import { EideticError } from '@eidetic/core';
import type { Dataset, Measure, Outputs, ScoreRow } from './dataset.ts';
import type { Metric } from './metrics/metric.ts';
import type { EvalQuestion } from './question.ts';

/** A question, and what is wanted of it. */
export interface EvalItem<Wanted> {
  readonly question: EvalQuestion;
  /** The row that it counts in; absent: only in the one for all. */
  readonly part?: string | undefined;
  /** The row of several parts that it counts in. */
  readonly section?: string | undefined;
  /** Absent where the answer is not published: such questions are asked and not scored. */
  readonly wanted?: Wanted | undefined;
}

/** An answer beside what was wanted. */
export interface Answered<Wanted> {
  readonly wanted: Wanted;
  /** Absent: there was no answer. */
  readonly output: string | undefined;
}

/** What a data set is made of. */
export interface DatasetParts<Wanted> extends Pick<Dataset, 'name' | 'style' | 'maxTokens' | 'measures'> {
  readonly items: readonly EvalItem<Wanted>[];
  /** Figures by name of the measure, of at least one answer. */
  readonly figures: (answers: readonly Answered<Wanted>[]) => Readonly<Record<string, number>>;
  /** 0 if absent. */
  readonly minTokens?: number;
  /**
   * Where figures of several parts are sums: the parts of each section. A sum of fewer, of which a folder is missing or no question was
   * selected, says in the name of its row what it is without, and has no published figure beside it.
   */
  readonly summed?: Readonly<Record<string, readonly string[]>>;
  /** Whether a row for all parts says something; true if absent. */
  readonly overall?: boolean;
  readonly notes?: readonly string[];
  readonly submission?: (items: readonly EvalItem<Wanted>[], outputs: Outputs) => string;
}

/**
 * Makes a data set of its items: a row for each part, in the order in which they come, then for each section, then for all.
 *
 * @throws EideticError `invalid_request` when two questions have one id, or there are none.
 */
export function createDataset<Wanted>(parts: DatasetParts<Wanted>): Dataset {
  const { name, items, style, maxTokens, minTokens = 0, measures, figures, overall = true } = parts;
  const { notes = [], submission, summed = {} } = parts;
  const byId = new Map<string, EvalItem<Wanted>>();
  for (const item of items) {
    const { id } = item.question;
    if (byId.has(id))
      throw new EideticError('invalid_request', `${name}: two questions have the id ${JSON.stringify(id)}.`);
    byId.set(id, item);
  }
  if (byId.size === 0) throw new EideticError('invalid_request', `${name}: the files hold no questions.`);
  const itemsOf = (questions: readonly EvalQuestion[]) => questions.flatMap(({ id }) => byId.get(id) ?? []);
  const row = (part: string, of: readonly EvalItem<Wanted>[], outputs: Outputs): ScoreRow => {
    const answers = of.flatMap(({ question, wanted }) =>
      wanted === undefined ? [] : { wanted, output: outputs.get(question.id) },
    );
    return {
      part,
      questions: of.length,
      failed: of.filter(({ question }) => !outputs.has(question.id)).length,
      figures: answers.length === 0 ? {} : figures(answers),
    };
  };
  return {
    name,
    style,
    maxTokens,
    minTokens,
    measures,
    notes,
    questions: items.map(({ question }) => question),
    score(questions, outputs) {
      const chosen = itemsOf(questions);
      const groups = [...groupBy(chosen, ({ part }) => part), ...groupBy(chosen, ({ section }) => section)];
      const present = new Set(chosen.map(({ part }) => part));
      const nameOf = (group: string, of: readonly string[]): string => {
        const absent = of.filter((part) => !present.has(part));
        return absent.length === 0 ? group : `${group} (without ${absent.join(', ')})`;
      };
      const rows = groups.map(([part, of]) => row(nameOf(part, summed[part] ?? []), of, outputs));
      const all = nameOf('all', Object.values(summed).flat());
      return overall || groups.length === 0 ? [...rows, row(all, chosen, outputs)] : rows;
    },
    ...(submission && { submission: (questions, outputs) => submission(itemsOf(questions), outputs) }),
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined): readonly (readonly [string, T[]])[] {
  const groups = Map.groupBy(items, keyOf);
  return [...groups].flatMap(([key, of]) => (key === undefined ? [] : [[key, of] as const]));
}

/**
 * Measures answers with one metric, white space at their ends removed as eval_mm/evaluate_vqa.py and evaluate_caption.py in
 * github.com/QwenLM/Qwen-VL do. A share is shown in percent; an answer that is missing counts as an empty one.
 */
export function measuredBy<Wanted>(
  name: string,
  metric: Metric<Wanted>,
  unit: Measure['unit'] = ' %',
): Pick<DatasetParts<Wanted>, 'measures' | 'figures'> {
  const scale = unit === ' %' ? 100 : 1;
  return {
    measures: [{ name, unit, digits: 1 }],
    figures: (answers) => {
      const { score } = metric(answers.map(({ wanted, output = '' }) => ({ wanted, output: output.trim() })));
      return { [name]: score * scale };
    },
  };
}
