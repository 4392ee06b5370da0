import type { Allowance } from '@eidetic/core';

const MINUTE_MS = 60_000;

/** Sums of a minute's parts are off by fractions of it; it also covers the decimals that Redis keeps. */
const ROUNDING_MS = 1;

/**
 * One more request from a bucket of `limit` that is refilled evenly within a minute, kept as one number: the time at which it will be
 * full again (the generic cell rate algorithm, ITU-T I.371). A key that was idle may ask `limit` times at once.
 *
 * @returns the time after the request, and what is left; without the request if it has to wait.
 */
export const takeFromBucket = (
  fullAtMs: number,
  limit: number,
  nowMs: number,
): { readonly fullAtMs: number; readonly allowance: Allowance; readonly waitMs: number } => {
  const before = Math.max(fullAtMs, nowMs);
  const after = before + MINUTE_MS / limit;
  const lackMs = after - nowMs - MINUTE_MS;
  return lackMs > ROUNDING_MS
    ? { fullAtMs: before, allowance: allowanceOf(before, limit, nowMs), waitMs: lackMs }
    : { fullAtMs: after, allowance: allowanceOf(after, limit, nowMs), waitMs: 0 };
};

/** What is left in a bucket. */
export const allowanceOf = (fullAtMs: number, limit: number, nowMs: number): Allowance => {
  const resetMs = Math.max(0, fullAtMs - nowMs);
  const left = Math.floor((MINUTE_MS + ROUNDING_MS - resetMs) / (MINUTE_MS / limit));
  return { limit, remaining: Math.min(limit, Math.max(0, left)), resetMs };
};
