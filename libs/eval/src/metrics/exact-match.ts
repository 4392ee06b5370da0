import { meanMetric } from './metric.ts';

/**
 * Share of the outputs that equal one of the wanted answers but for case and white space at the ends, as Qwen-VL's
 * evaluation of OCR-VQA and AI2D has it (`evaluate_exact_match_accuracy` in eval_mm/evaluate_vqa.py).
 */
export const exactMatch = meanMetric<readonly string[]>((output, wanted) =>
  Number(wanted.some((answer) => fold(answer) === fold(output))),
);

function fold(text: string): string {
  return text.trim().toLowerCase();
}
