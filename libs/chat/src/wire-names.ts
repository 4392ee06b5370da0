import { EideticError } from '@eidetic/core';

/** What a request's parts are called by the client that sent it. */
export interface WireNames {
  /** By the name that they have in a `ChatRequest`; those that are called the same are left out. */
  readonly fields: Readonly<Record<string, string>>;
  /** Paths of the pictures, in order. */
  readonly pictures: readonly string[];
}

/** The same error, with `details.param` as the client calls what is wrong. */
export const nameForClient = (error: EideticError, { fields, pictures }: WireNames): EideticError => {
  const { param, picture } = error.details;
  const field = typeof param === 'string' ? (fields[param] ?? param) : undefined;
  const named = typeof picture === 'number' ? pictures[picture] : field;
  if (named === undefined || named === param) return error;
  return new EideticError(error.code, error.message, {
    cause: error.cause,
    details: { ...error.details, param: named },
  });
};
