import { resolve } from 'node:path';
import { z } from 'zod';
import { jsonLines } from './json-lines.ts';

const lineSchema = z.object({
  image: z.string().min(1),
  question: z.string(),
  question_id: z.union([z.string(), z.number()]),
  answer: z.union([z.string(), z.array(z.string()).min(1)]).nullish(),
});

/** A question in the form into which the evaluation of Qwen-VL brings data sets. */
export interface VqaLine {
  readonly id: string;
  /** Absolute. */
  readonly image: string;
  readonly question: string;
  /** None where they are not published. */
  readonly answers: readonly string[] | undefined;
}

/** Whether a file is in the form of {@link vqaLines}. */
export const isVqaLines = (path: string): boolean => path.endsWith('.jsonl');

/**
 * Lines `{image, question, question_id, answer?}`, as eval_mm/evaluate_vqa.py in github.com/QwenLM/Qwen-VL reads them (`VQADataset`;
 * where they are to be had says its EVALUATION.md). Their pictures are relative to its folder `eval_mm`.
 *
 * @throws EideticError `invalid_request` as {@link jsonLines} has it.
 */
export async function* vqaLines(path: string, folder: string): AsyncGenerator<VqaLine> {
  for await (const { value } of jsonLines(path, lineSchema)) {
    const { image, question, question_id: id, answer } = value;
    const answers = typeof answer === 'string' ? [answer] : (answer ?? undefined);
    yield { id: String(id), image: resolve(folder, image), question, answers };
  }
}
