import type { EideticError } from '@eidetic/core';

const hintOf = ({ details }: EideticError): number =>
  typeof details.retryAfterMs === 'number' ? details.retryAfterMs : Number.POSITIVE_INFINITY;

/** The error that asks for the shortest wait (`details.retryAfterMs`), the first one if none says; none of none. */
export const leastRetryHint = (errors: readonly EideticError[]): EideticError | undefined =>
  errors.reduce<EideticError | undefined>(
    (least, error) => (least && hintOf(least) <= hintOf(error) ? least : error),
    undefined,
  );
