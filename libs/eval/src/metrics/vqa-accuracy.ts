import { meanMetric } from './metric.ts';
import { dropPunctuation, normaliseWords } from './vqa-normalise.ts';

const ENOUGH_HUMANS = 3;

/**
 * VQA accuracy (Antol et al., 2015) from 0 to 1: an answer is right as far as three humans gave it, min(humans / 3, 1),
 * averaged over leaving out each of the humans once (ten of them, usually). Normalisation is that of the `VQAEval` which
 * Qwen-VL's eval_mm/vqa_eval.py takes from LAVIS: the output's punctuation and words; of the humans' answers the punctuation,
 * where they do not all say the same.
 */
export const vqaAccuracy = meanMetric<readonly string[]>((output, wanted) => {
  const given = normaliseWords(dropPunctuation(output.replace(/[\n\t]/g, ' ').trim()));
  const humans = new Set(wanted).size > 1 ? wanted.map(dropPunctuation) : wanted;
  const agreeing = humans.filter((answer) => answer === given).length;
  const scoreOf = (others: number) => Math.min(1, others / ENOUGH_HUMANS);
  const withoutOne = agreeing * scoreOf(agreeing - 1) + (humans.length - agreeing) * scoreOf(agreeing);
  return humans.length === 0 ? 0 : withoutOne / humans.length;
});
