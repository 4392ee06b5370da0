import { exactMatch } from './exact-match.ts';
import type { Metric } from './metric.ts';

// In this order: each is looked for in what the ones before have left.
const LEAD_INS = ['is ', 'are ', 'a ', 'an ', 'the '];

/**
 * Exact match of the short answer within a sentence, as Qwen-VL's evaluation of GQA has it (eval_mm/evaluate_vqa.py):
 * the first clause, what follows a verb and an article, up to ` of`.
 */
export const gqaAccuracy: Metric<readonly string[]> = (items) =>
  exactMatch(items.map(({ output, wanted }) => ({ output: shortAnswer(output), wanted })));

function shortAnswer(output: string): string {
  const clause = (output.trim().split(/[.,!]/)[0] ?? '').toLowerCase();
  const answer = LEAD_INS.reduce((text, leadIn) => text.split(leadIn)[1] ?? text, clause);
  return answer.split(' of')[0] ?? answer;
}
