import { z } from 'zod';
import { type EvalQuestion, type PromptStyle, partsOf } from './question.ts';

/** What all results of a file have in common. Results of another run are not gone on with. */
export const runSchema = z.strictObject({
  dataset: z.string(),
  style: z.enum(['raw', 'chat']),
  model: z.string(),
  maxTokens: z.number(),
});

/** What all results of a file have in common. */
export type EvalRun = z.infer<typeof runSchema>;

const common = { id: z.string(), asked: z.string(), latencyMs: z.number() };

/** A line of the file of results. */
export const resultSchema = z.union([
  z.strictObject({ ...common, output: z.string() }),
  z.strictObject({ ...common, error: z.string() }),
]);

/** What became of one question: what the model said, or the error that came instead. */
export type EvalResult = z.infer<typeof resultSchema>;

/** A question in one text, as raw prompts have it; for people, and to tell questions apart. */
export function askedText(question: EvalQuestion, style: PromptStyle): string {
  return partsOf(question, style)
    .map((part) => {
      if (part.type === 'text') return part.text;
      return 'image' in part ? `<img>${part.image}</img>` : '<img></img>';
    })
    .join('');
}
