import { EideticApiError, EideticConnectionError } from '@eidetic/client';

/** Why there is no answer. */
export interface Failure {
  /** The server's code, a connection failure's reason, or `unknown`. */
  readonly code: string;
  /** What the server says, in English. */
  readonly message: string;
  /** How long the server asks to wait. */
  readonly retryAfterMs?: number;
}

/** What a request rejected with, as data. */
export const toFailure = (reason: unknown): Failure => {
  if (reason instanceof EideticApiError) {
    const { code, message, retryAfterMs } = reason;
    return { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  if (reason instanceof EideticConnectionError) return { code: reason.reason, message: reason.message };
  return { code: 'unknown', message: reason instanceof Error ? reason.message : String(reason) };
};
