import type { EideticError } from '@eidetic/core';

/** How often a job is tried, and how long it waits in between. */
export interface RetryPolicy {
  /** Tries, the first included. */
  readonly attempts: number;
  /** Longest wait before the second try, in milliseconds; it doubles with each further try, and half of it is chance. */
  readonly firstDelayMs: number;
}

/** An encoder that restarts is given a few seconds: waits of up to 0.25, 0.5, 1 and 2 s. */
export const DEFAULT_RETRY: RetryPolicy = { attempts: 5, firstDelayMs: 250 };

/** Share of a wait that is left to chance, lest all jobs of a failed batch come back together. */
export const RETRY_JITTER = 0.5;

/** Wait before the next try, in milliseconds, after `failures` failed ones; `random` in [0, 1). */
export function retryDelayMs({ firstDelayMs }: RetryPolicy, failures: number, random: number): number {
  return firstDelayMs * 2 ** (failures - 1) * (1 - RETRY_JITTER * random);
}

/**
 * How long whoever refused a job as `overloaded` asks to wait (`details.retryAfterMs`), in milliseconds. Such a job was not begun: it
 * rests for so long, and the refusal is no try. Undefined: nothing is asked for, and the policy holds.
 */
export function askedRestMs({ code, details: { retryAfterMs } }: EideticError): number | undefined {
  return code === 'overloaded' && typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
}
