import type { Allowance } from '@eidetic/core';

const MINUTE_MS = 60_000;

/**
 * A bucket of `limit` requests that is refilled evenly within a minute, by one number: the time at which it will be full again (the
 * generic cell rate algorithm, ITU-T I.371). A key that was idle may ask `limit` times at once.
 *
 * @returns the time after one more request, and what is left; without the request if there is none left.
 */
export const takeFromBucket = (
  fullAtMs: number,
  limit: number,
  nowMs: number,
): { readonly fullAtMs: number; readonly allowance: Allowance; readonly waitMs: number } => {
  const each = MINUTE_MS / limit;
  const before = Math.max(fullAtMs, nowMs);
  const waitMs = Math.max(0, before + each - (nowMs + MINUTE_MS));
  const after = waitMs > 0 ? before : before + each;
  return { fullAtMs: after, allowance: allowanceOf(after, limit, nowMs), waitMs };
};

/** What is left in a bucket. */
export const allowanceOf = (fullAtMs: number, limit: number, nowMs: number): Allowance => {
  const resetMs = Math.max(0, fullAtMs - nowMs);
  return { limit, remaining: Math.max(0, Math.floor((MINUTE_MS - resetMs) / (MINUTE_MS / limit))), resetMs };
};
