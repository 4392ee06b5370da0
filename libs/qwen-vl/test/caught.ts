import { EideticError } from '@eidetic/core';

/** The error that `run` throws. */
export function caught(run: () => unknown): EideticError {
  try {
    run();
  } catch (error) {
    if (error instanceof EideticError) return error;
  }
  throw new Error('nothing was thrown');
}
