import { EideticError } from '@eidetic/core';

/**
 * Refuses a field of a request.
 *
 * @param path as in `prompt[2].image.key`
 * @param problem what is wrong with its value, the value included where it is short
 */
export const refuse = (path: string, problem: string): EideticError =>
  new EideticError('invalid_request', `${path}: ${problem}.`, { details: { param: path } });

/** Bounds of a number, both included. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/**
 * The number, if it lies within bounds; NaN lies within none.
 *
 * @throws EideticError `invalid_request`
 */
export const within = (path: string, value: number, { min, max }: Bounds): number => {
  if (value >= min && value <= max) return value;
  throw refuse(path, `${value} is not from ${min} to ${max}`);
};

/**
 * The text, if it is not too long.
 *
 * @throws EideticError `invalid_request`
 */
export const shortText = (path: string, text: string): string => {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  throw refuse(path, `${text.length} characters are more than ${MAX_TEXT_LENGTH}`);
};

const MAX_TEXT_LENGTH = 256;
