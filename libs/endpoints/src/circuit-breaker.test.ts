import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  admits,
  afterBegin,
  afterFailure,
  afterNothing,
  afterSuccess,
  type Breaker,
  type BreakerPolicy,
  CLOSED,
} from './circuit-breaker.ts';

const POLICY: BreakerPolicy = { failures: 3, firstOpenMs: 100, maxOpenMs: 1000 };

const failed = (breaker: Breaker, times: number, nowMs: number, random = 0): Breaker =>
  Array.from({ length: times }).reduce<Breaker>((last) => afterFailure(last, nowMs, random, POLICY), breaker);

it('opens after so many failures in a row, and not before', () => {
  expect(admits(failed(CLOSED, 2, 0), 0)).toBe(true);
  expect(admits(failed(CLOSED, 3, 0), 0)).toBe(false);
  expect(admits(failed(afterSuccess(failed(CLOSED, 2, 0)), 2, 0), 0)).toBe(true);
});

it('lets one call through after the wait, and all of them once that one went well', () => {
  const open = failed(CLOSED, 3, 0);
  expect([admits(open, 99), admits(open, 100)]).toEqual([false, true]);
  const probing = afterBegin(open);
  expect(admits(probing, 10_000)).toBe(false);
  expect(admits(afterSuccess(probing), 100)).toBe(true);
});

it('waits twice as long each time that the probe fails, up to a limit, part of it left to chance', () => {
  let breaker = failed(CLOSED, 3, 0, 0);
  const waits = Array.from({ length: 6 }, () => {
    breaker = afterFailure(afterBegin(breaker), 0, 0, POLICY);
    return breaker.state === 'open' && breaker.untilMs;
  });
  expect(waits).toEqual([200, 400, 800, 1000, 1000, 1000]);
  expect(failed(CLOSED, 3, 0, 0.5)).toMatchObject({ untilMs: 75 });
});

it('probes again when the probe told nothing', () => {
  const again = afterNothing(afterBegin(failed(CLOSED, 3, 0)), 150);
  expect(admits(again, 150)).toBe(true);
  expect(afterFailure(afterBegin(again), 150, 0, POLICY)).toMatchObject({ untilMs: 350 });
});

/** What happens to a breaker. A call that is not admitted does not begin. */
const step = fc.record({
  event: fc.constantFrom('begin', 'ok', 'failed', 'nothing'),
  afterMs: fc.nat(200),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

it('never lets more than one call through while open, is open for a bounded time, and never without failures in a row', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let [breaker, nowMs, inARow]: [Breaker, number, number] = [CLOSED, 0, 0];
      for (const { event, afterMs, random } of steps) {
        nowMs += afterMs;
        const before = breaker;
        if (event === 'begin' && admits(breaker, nowMs)) breaker = afterBegin(breaker);
        if (event === 'ok') breaker = afterSuccess(breaker);
        if (event === 'failed') breaker = afterFailure(breaker, nowMs, random, POLICY);
        if (event === 'nothing') breaker = afterNothing(breaker, nowMs);
        if (event === 'failed') inARow++;
        if (event === 'ok') inARow = 0;
        if (before.state === 'closed' && breaker.state !== 'closed') {
          expect([breaker.state, event]).toEqual(['open', 'failed']);
          expect(inARow).toBeGreaterThanOrEqual(POLICY.failures);
        }
        if (breaker.state === 'half_open') expect(admits(breaker, nowMs + 10 ** 9)).toBe(false);
        if (breaker.state === 'open' && before !== breaker) {
          expect(breaker.untilMs).toBeGreaterThanOrEqual(nowMs);
          expect(breaker.untilMs).toBeLessThanOrEqual(nowMs + POLICY.maxOpenMs);
        }
      }
    }),
  );
});
