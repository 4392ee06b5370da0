import { EideticError } from '@eidetic/core';
import type { EvalQuestion, PromptStyle } from './question.ts';
import { askedText, type EvalResult } from './result.ts';
import type { ResultsFile } from './results-file.ts';

/** Answers a question: a server, or a model in this process. */
export type Answerer = (question: EvalQuestion, signal: AbortSignal) => Promise<string>;

/** What to run. */
export interface EvalOptions {
  readonly questions: readonly EvalQuestion[];
  readonly style: PromptStyle;
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
  /** Of the done ones, those from an earlier run. */
  readonly kept: number;
  /** Of the done ones, those without an answer. */
  readonly failed: number;
}

/** So many failures without an answer between them are the server's and not the questions'. */
const FAILURES_IN_A_ROW = 50;

/**
 * Asks every question that has no answer in the results yet; those that failed before are asked again. A question that
 * fails is noted and does not stop the others, unless nothing but failures comes.
 *
 * @returns the answers by id.
 * @throws EideticError `invalid_request` when a result belongs to another question of the same id; `unavailable` when one question after
 *   the other fails; `cancelled`.
 */
export async function runEval(options: EvalOptions): Promise<ReadonlyMap<string, string>> {
  const { questions, style, resultsFile, concurrency, signal: outer } = options;
  const waiting = questions.filter((question) => !hasAnswer(question, style, resultsFile));
  const stop = new AbortController();
  const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]);
  const kept = questions.length - waiting.length;
  let failed = 0;
  let inARow = 0;
  let done = kept;
  const report = () => options.onProgress?.({ done, total: questions.length, kept, failed });
  report();
  const queue = waiting.values();
  const work = async (): Promise<void> => {
    for (const question of queue) {
      const result = await ask(question, options, signal);
      if (signal.aborted) throw EideticError.from(signal.reason);
      await resultsFile.append(result);
      done++;
      inARow = 'error' in result ? inARow + 1 : 0;
      if ('error' in result) failed++;
      report();
      if ('error' in result && inARow === FAILURES_IN_A_ROW) stop.abort(tooManyFailures(result.error));
    }
  };
  // The workers share one iterator: each takes the next question when it has finished one.
  await Promise.all(Array.from({ length: concurrency }, work));
  return outputsOf(questions, resultsFile);
}

/** The answers that there are so far, by id. */
export function outputsOf(questions: readonly EvalQuestion[], { results }: ResultsFile): ReadonlyMap<string, string> {
  return new Map(
    questions.flatMap(({ id }) => {
      const result = results.get(id);
      return result !== undefined && 'output' in result ? [[id, result.output] as const] : [];
    }),
  );
}

function tooManyFailures(last: string): EideticError {
  return new EideticError('unavailable', `${FAILURES_IN_A_ROW} questions in a row failed, the last one with: ${last}`);
}

function hasAnswer(question: EvalQuestion, style: PromptStyle, { path, results }: ResultsFile): boolean {
  const result = results.get(question.id);
  if (result === undefined) return false;
  if (result.asked !== askedText(question, style)) {
    const message = `${path} has a result for another question with the id ${JSON.stringify(question.id)}. Choose another file for the results.`;
    throw new EideticError('invalid_request', message);
  }
  return 'output' in result;
}

async function ask(
  question: EvalQuestion,
  { answer, now, style }: EvalOptions,
  signal: AbortSignal,
): Promise<EvalResult> {
  const start = now();
  const about = { id: question.id, asked: askedText(question, style) };
  try {
    return { ...about, output: await answer(question, signal), latencyMs: now() - start };
  } catch (error) {
    return { ...about, error: EideticError.from(error).message, latencyMs: now() - start };
  }
}
