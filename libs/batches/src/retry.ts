import { ERROR_KINDS, type ErrorCode } from '@eidetic/core';

/** What says nothing of the request: it waits until the server can take it, or its window has passed. */
const WAITS_OUT: readonly ErrorCode[] = ['unavailable', 'overloaded', 'rate_limited'];
/** Of other errors that may pass: a picture may be what makes them. */
const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/**
 * How long to wait before a request that failed is tried again, in milliseconds; undefined: it is not.
 *
 * @param attempts that were made
 * @param random in [0, 1)
 */
export const retryDelayMs = (code: ErrorCode, attempts: number, random: number): number | undefined => {
  if (!ERROR_KINDS[code].retryable || (attempts >= MAX_ATTEMPTS && !WAITS_OUT.includes(code))) return undefined;
  return Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS) * (1 - random / 2);
};
