import { meanMetric } from './metric.ts';

/**
 * Share of the outputs that begin with the letter of the right option, in either case, as answers in words are scored on
 * SEED-Bench (lmms-eval, tasks/seedbench). The prompt has to ask for the letter: other words before it make the answer wrong.
 */
export const multipleChoice = meanMetric<string>((output, wanted) =>
  Number([...output.trim()][0]?.toLowerCase() === wanted.trim().toLowerCase()),
);
