import { EideticError } from '@eidetic/core';
import type { EvalQuestion } from './question.ts';
import { answeredResult, type EvalResult, failedResult } from './result.ts';
import type { ResultsFile } from './results-file.ts';

/** Answers a question: a server, or a function in this process. */
export type Answerer = (question: EvalQuestion, signal: AbortSignal) => Promise<string>;

/** What to run. */
export interface EvalOptions {
  readonly questions: readonly EvalQuestion[];
  readonly answer: Answerer;
  readonly resultsFile: ResultsFile;
  /** Questions under way at the same time. */
  readonly concurrency: number;
  /** Milliseconds from any fixed moment. */
  readonly now: () => number;
  readonly onProgress?: (progress: EvalProgress) => void;
  readonly signal?: AbortSignal;
}

/** Where a run stands. */
export interface EvalProgress {
  readonly done: number;
  readonly total: number;
  /** Of the done ones, those without an answer. */
  readonly failed: number;
}

/**
 * Asks every question that has no answer in the results yet; those that failed before are asked again. A question that
 * fails is noted and does not stop the others.
 *
 * @returns the results in the order of the questions.
 * @throws EideticError `invalid_request` when a result belongs to another question of the same id; `cancelled`.
 */
export async function runEval(options: EvalOptions): Promise<readonly EvalResult[]> {
  const { questions, resultsFile, concurrency, signal = new AbortController().signal } = options;
  const answered = questions.filter((question) => hasAnswer(question, resultsFile));
  const waiting = questions.values().filter((question) => !answered.includes(question));
  let failed = 0;
  let done = answered.length;
  const report = () => options.onProgress?.({ done, total: questions.length, failed });
  report();
  const work = async (): Promise<void> => {
    for (const question of waiting) {
      const result = await ask(question, options, signal);
      if (signal.aborted) throw EideticError.from(signal.reason);
      await resultsFile.append(result);
      done++;
      if ('error' in result) failed++;
      report();
    }
  };
  // The workers share one iterator: each takes the next question when it has finished one.
  await Promise.all(Array.from({ length: concurrency }, work));
  return questions.flatMap(({ id }) => resultsFile.results.get(id) ?? []);
}

function hasAnswer({ id, answer }: EvalQuestion, { path, results }: ResultsFile): boolean {
  const result = results.get(id);
  if (result === undefined) return false;
  if (result.answer !== answer) {
    const message = `${path} has a result for another question with the id ${JSON.stringify(id)}. Choose another file for the results.`;
    throw new EideticError('invalid_request', message);
  }
  return 'output' in result;
}

async function ask(question: EvalQuestion, { answer, now }: EvalOptions, signal: AbortSignal): Promise<EvalResult> {
  const start = now();
  try {
    return answeredResult(question, await answer(question, signal), now() - start);
  } catch (error) {
    return failedResult(question, EideticError.from(error).message, now() - start);
  }
}
