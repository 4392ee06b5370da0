import { refuse, within } from './field.ts';

/**
 * Bounds of sampling options, as in the HTTP API. Repetition penalties divide and multiply logits, which far beyond these bounds are no
 * numbers any more.
 */
export const SAMPLING_BOUNDS = {
  temperature: { min: 0, max: 2 },
  minP: { min: 0, max: 1 },
  repetitionPenalty: { min: 0.01, max: 10 },
  presencePenalty: { min: -2, max: 2 },
  frequencyPenalty: { min: -2, max: 2 },
  logitBias: { min: -100, max: 100 },
  seed: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
} as const;

/**
 * The share of probability that is kept.
 *
 * @throws EideticError `invalid_request`
 */
export const readTopP = (path: string, topP: number): number => {
  if (!(topP > 0)) throw refuse(path, `${topP} is not above 0`);
  return within(path, topP, { min: 0, max: 1 });
};
