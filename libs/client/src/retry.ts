import { EideticApiError, EideticConnectionError } from './errors.ts';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8000;
/** A server that asks for more than this is not waited for: the caller knows better what to do with the time. */
const LONGEST_RETRY_AFTER_MS = 60_000;
/** The request did not arrive, there were too many, or the server is not ready: nothing was done. */
const REFUSALS: readonly unknown[] = [408, 429, 503];
/** Of a proxy that found no server, or lost it while it worked. */
const BAD_GATEWAY = 502;

/**
 * How long to wait after the attempt with this number (from 0) failed: doubling, at random between the half and the whole of
 * it, so that clients that failed together do not come back together. What the server asked for is the least.
 * Undefined where another attempt would fail the same way.
 *
 * @param repeatable whether doing the request twice does no harm; if it does, only a refusal is followed by another attempt.
 */
export const retryDelayMs = (
  error: unknown,
  attempt: number,
  { repeatable, random }: { readonly repeatable: boolean; readonly random: () => number },
): number | undefined => {
  const backoffMs = Math.min(FIRST_DELAY_MS * 2 ** attempt, LONGEST_DELAY_MS) * (0.5 + random() / 2);
  const retried =
    error instanceof EideticApiError &&
    (REFUSALS.includes(error.status) || (repeatable && error.status === BAD_GATEWAY));
  if (retried) {
    const { retryAfterMs = 0 } = error;
    if (retryAfterMs > LONGEST_RETRY_AFTER_MS) return undefined;
    return retryAfterMs === 0 ? backoffMs : retryAfterMs + random() * FIRST_DELAY_MS;
  }
  const lost = error instanceof EideticConnectionError && ['unreachable', 'interrupted'].includes(error.reason);
  return lost && repeatable ? backoffMs : undefined;
};

/** Resolves after `delayMs`; rejects with the signal's reason once it is aborted. */
export const wait = (delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, delayMs);
    if (signal?.aborted) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  });
