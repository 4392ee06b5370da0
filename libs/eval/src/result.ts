import { z } from 'zod';
import type { EvalQuestion } from './question.ts';
import { normalise, scoreAnswer } from './score.ts';

const common = { id: z.string(), task: z.string(), language: z.string(), answer: z.string(), latencyMs: z.number() };

const answered = z.strictObject({
  ...common,
  output: z.string(),
  exact: z.boolean(),
  boxes: z.strictObject({ meanIou: z.number(), found: z.number() }).optional(),
  /** Whether the output is the reference implementation's; absent where the question does not tell that. */
  asReference: z.boolean().optional(),
});

const failed = z.strictObject({ ...common, error: z.string() });

/** A line of the file of results. */
export const resultSchema = z.union([answered, failed]);

/** What became of one question: an output and its score, or the error that came instead. */
export type EvalResult = z.infer<typeof resultSchema>;

/** Scores what was answered. */
export function answeredResult(question: EvalQuestion, output: string, latencyMs: number): EvalResult {
  const { id, task, language, answer, referenceOutput } = question;
  return {
    id,
    task,
    language,
    answer,
    output,
    ...scoreAnswer(answer, output),
    ...(referenceOutput === undefined ? {} : { asReference: normalise(referenceOutput) === normalise(output) }),
    latencyMs,
  };
}

/** Notes that a question got no answer. */
export function failedResult(
  { id, task, language, answer }: EvalQuestion,
  error: string,
  latencyMs: number,
): EvalResult {
  return { id, task, language, answer, error, latencyMs };
}
