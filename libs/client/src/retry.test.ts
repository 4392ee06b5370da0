import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EideticApiError, EideticConnectionError } from './errors.ts';
import { retryDelayMs, wait } from './retry.ts';

const refusal = (status: number, retryAfterMs?: number) =>
  new EideticApiError('x', { status, code: 'x', retryAfterMs });
const lost = new EideticConnectionError('interrupted', 'x');
const delay = (error: unknown, attempt = 0, { repeatable = true, random = 0.5 } = {}) =>
  retryDelayMs(error, attempt, { repeatable, random: () => random });

it('doubles the delay up to a limit, at random between its half and its whole', () => {
  const random = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.nat(40), random, (attempt, chance) => {
      const whole = Math.min(500 * 2 ** attempt, 8000);
      const delayMs = delay(lost, attempt, { random: chance });
      expect(delayMs).toBeGreaterThanOrEqual(whole / 2);
      expect(delayMs).toBeLessThanOrEqual(whole);
    }),
  );
});

it('waits at least as long as the server asks', () => {
  expect(delay(refusal(429, 3000), 0, { random: 0 })).toBe(3000);
  expect(delay(refusal(429, 3000), 0, { random: 1 })).toBe(3500);
});

it('does not wait for a server that asks for more than a minute', () => {
  expect(delay(refusal(429, 61_000))).toBeUndefined();
});

it.each([408, 429, 502, 503])('tries again after status %i', (status) => {
  expect(delay(refusal(status))).toBe(375);
});

it.each([400, 401, 404, 413, 500, 504])('does not try again after status %i', (status) => {
  expect(delay(refusal(status))).toBeUndefined();
});

it('does not try again after a time-out, an error within a stream, an answer of a stranger or a mistake', () => {
  for (const error of [
    new EideticConnectionError('timeout', 'x'),
    new EideticConnectionError('invalid_response', 'x'),
    new EideticApiError('x', { code: 'overloaded' }),
    new TypeError('x'),
  ]) {
    expect(delay(error)).toBeUndefined();
  }
});

it('does not do twice what may not be done twice: only a refusal is followed by another attempt', () => {
  expect(delay(lost, 0, { repeatable: false })).toBeUndefined();
  expect(delay(refusal(429), 0, { repeatable: false })).toBe(375);
  // A proxy may have lost the server in the middle of its work.
  expect(delay(refusal(502), 0, { repeatable: false })).toBeUndefined();
});

it('stops waiting when the caller leaves', async () => {
  const leaving = new AbortController();
  const waiting = wait(600_000, leaving.signal);
  leaving.abort(new Error('bye'));
  await expect(waiting).rejects.toThrow('bye');
  await expect(wait(600_000, leaving.signal)).rejects.toThrow('bye');
});
