import { EideticError } from '@eidetic/core';

/** The error with the picture (its index in the request) that it is about: in front of its message, and in its details. */
export function inPicture(index: number, reason: unknown): EideticError {
  const error = EideticError.from(reason);
  return new EideticError(error.code, `Picture ${index + 1}: ${error.message}`, {
    cause: reason,
    details: { ...error.details, picture: index },
  });
}
