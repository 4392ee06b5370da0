import { EideticError } from '@eidetic/core';

/** A model's answer and what it is compared with. */
export interface MetricItem<Wanted> {
  readonly output: string;
  readonly wanted: Wanted;
}

/** What a metric says of a set of answers. Accuracies are shares from 0 to 1; each metric states another unit. */
export interface MetricResult {
  readonly score: number;
  /** One value an item, in the order of the items. */
  readonly perItem: readonly number[];
  /** Scores that the score is made of, by name, in its unit. */
  readonly parts?: Readonly<Record<string, number>>;
}

/**
 * Scores the answers of a whole set: a pure function of its items.
 *
 * @throws EideticError `invalid_request` when there are no items, or one that the metric cannot score.
 */
export type Metric<Wanted> = (items: readonly MetricItem<Wanted>[]) => MetricResult;

/** The metric that scores every item alone and takes the mean. */
export function meanMetric<Wanted>(scoreItem: (output: string, wanted: Wanted) => number): Metric<Wanted> {
  return (items) => {
    const perItem = items.map(({ output, wanted }) => scoreItem(output, wanted));
    return { score: mean(perItem), perItem };
  };
}

/**
 * The arithmetic mean.
 *
 * @throws EideticError `invalid_request` when there are no values.
 */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new EideticError('invalid_request', 'There are no answers to score.');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
