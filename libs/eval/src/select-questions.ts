import type { EvalQuestion } from './question.ts';

/** Which of the questions to ask. */
export interface Selection {
  /** At most so many, or a few more where some are only scored together; absent: all. */
  readonly limit?: number | undefined;
  /** Numbers in [0, 1) that mix the questions; absent: they are asked in their order. */
  readonly random?: (() => number) | undefined;
}

/** Some of the questions. Those of one unit stay together. */
export function selectQuestions(
  questions: readonly EvalQuestion[],
  { limit = Number.POSITIVE_INFINITY, random }: Selection,
): readonly EvalQuestion[] {
  const units = [
    ...Map.groupBy(questions, ({ id, unit }) => (unit === undefined ? `id ${id}` : `unit ${unit}`)).values(),
  ];
  const selected: EvalQuestion[] = [];
  for (const unit of random === undefined ? units : mixed(units, random)) {
    if (selected.length >= limit) break;
    selected.push(...unit);
  }
  return selected;
}

/** In an order that depends on the numbers alone (Fisher and Yates). */
function mixed<T>(items: readonly T[], random: () => number): readonly T[] {
  const order = items.map((_, index) => index);
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order.flatMap((index) => items.slice(index, index + 1));
}
