import { percentile } from './percentile.ts';
import type { LoadRun } from './run-load.ts';

/** Milliseconds that half, nine tenths and all but a hundredth of the samples do not exceed. */
export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** What the clients of a load have seen. */
export interface LoadSummary {
  readonly durationMs: number;
  readonly answered: number;
  /** How often each error came. */
  readonly errors: Readonly<Record<string, number>>;
  readonly requestsPerSecond: number;
  /** Generated tokens of all answers. */
  readonly tokensPerSecond: number;
  readonly promptTokens: number;
  /** Of these, what the server did not have to compute again. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** From a request to the first piece of its answer; undefined if there was none. */
  readonly firstTokenMs: Quantiles | undefined;
  /** From one piece of an answer to the next. */
  readonly interTokenMs: Quantiles | undefined;
  /** From a request to the end of its answer. */
  readonly totalMs: Quantiles | undefined;
}

const quantiles = (samples: readonly number[]): Quantiles | undefined =>
  samples.length === 0
    ? undefined
    : { p50: percentile(samples, 0.5), p90: percentile(samples, 0.9), p99: percentile(samples, 0.99) };

/** Counts and quantiles of a load. */
export function summariseLoad({ outcomes, durationMs }: LoadRun): LoadSummary {
  const answers = outcomes.flatMap((outcome) => ('answer' in outcome ? [outcome.answer] : []));
  const errors: Record<string, number> = {};
  for (const outcome of outcomes) if ('error' in outcome) errors[outcome.error] = (errors[outcome.error] ?? 0) + 1;
  const sum = (of: (answer: (typeof answers)[number]) => number): number =>
    answers.reduce((total, answer) => total + of(answer), 0);
  const completionTokens = sum((answer) => answer.completionTokens);
  return {
    durationMs,
    answered: answers.length,
    errors,
    requestsPerSecond: (answers.length * 1000) / durationMs,
    tokensPerSecond: (completionTokens * 1000) / durationMs,
    promptTokens: sum((answer) => answer.promptTokens),
    cachedTokens: sum((answer) => answer.cachedTokens),
    completionTokens,
    firstTokenMs: quantiles(answers.flatMap(({ arrivedMs }) => arrivedMs.slice(0, 1))),
    interTokenMs: quantiles(
      answers.flatMap(({ arrivedMs }) => arrivedMs.slice(1).map((at, i) => at - (arrivedMs[i] ?? at))),
    ),
    totalMs: quantiles(answers.map(({ totalMs }) => totalMs)),
  };
}
