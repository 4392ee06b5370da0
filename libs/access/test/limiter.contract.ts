import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Limiter, LimiterAnswer } from '../src/index.ts';

/** A limiter whose time a test moves. */
export interface TimedLimiter {
  readonly limiter: Limiter;
  /** Lets so much time pass for everything that the limiter knows of a key. */
  advance(id: string, ms: number): Promise<void>;
}

const NONE = { requestsPerMinute: 0, concurrentRequests: 0 };
const allowed = (answer: LimiterAnswer): boolean => answer.allowed;
const release = (answer: LimiterAnswer | undefined): void => {
  if (answer?.allowed) answer.release();
};

/** What every limiter does. Shared clocks run on while it does, by much less than the seconds that are looked at here. */
export function describeLimiter(name: string, open: () => TimedLimiter): void {
  let ids = 0;
  const fresh = (): string => `${name}-${ids++}`;

  describe(`${name}, as a limiter`, () => {
    it('lets a key without limits ask as it likes', async () => {
      const { limiter } = open();
      const id = fresh();
      const answers = await Promise.all(Array.from({ length: 50 }, () => limiter.take(id, NONE)));
      expect(answers.every(allowed)).toBe(true);
      expect(answers[0]).toMatchObject({ requests: undefined });
    });

    it.each([1, 7])('lets a key that was idle ask %i times at once, and not once more', async (limit) => {
      const { limiter } = open();
      const id = fresh();
      const limits = { ...NONE, requestsPerMinute: limit };
      for (let i = 1; i <= limit; i++) expect(allowed(await limiter.take(id, limits))).toBe(true);
      expect(await limiter.take(id, limits)).toMatchObject({ allowed: false, reason: 'rate' });
    });

    it('says what is left, until when, and how long to wait; a refusal costs nothing', async () => {
      const { limiter, advance } = open();
      const id = fresh();
      const limits = { ...NONE, requestsPerMinute: 3 };
      const left = [];
      for (let i = 0; i < 3; i++) left.push((await limiter.take(id, limits)).requests?.remaining);
      expect(left).toEqual([2, 1, 0]);
      for (let i = 0; i < 3; i++) {
        const refused = await limiter.take(id, limits);
        expect(refused).toMatchObject({ allowed: false, reason: 'rate', requests: { limit: 3, remaining: 0 } });
        if (refused.allowed) throw new Error('It was let in.');
        expect(refused.retryAfterMs).toBeGreaterThan(10_000);
        expect(refused.retryAfterMs).toBeLessThanOrEqual(20_000);
        expect(refused.requests?.resetMs).toBeGreaterThan(50_000);
        expect(refused.requests?.resetMs).toBeLessThanOrEqual(60_000);
      }
      await advance(id, 20_000);
      expect(allowed(await limiter.take(id, limits))).toBe(true);
      expect(allowed(await limiter.take(id, limits))).toBe(false);
    });

    it('lets as many requests of a key be under way as it may have, whatever other keys do', async () => {
      const { limiter } = open();
      const [id, other] = [fresh(), fresh()];
      const limits = { ...NONE, concurrentRequests: 2 };
      const answers = await Promise.all(Array.from({ length: 5 }, () => limiter.take(id, limits)));
      expect(answers.filter(allowed)).toHaveLength(2);
      expect(answers[4]).toMatchObject({ allowed: false, reason: 'concurrency', retryAfterMs: undefined });
      expect(allowed(await limiter.take(other, limits))).toBe(true);
      const first = answers.find(allowed);
      release(first);
      release(first);
      const again = [await limiter.take(id, limits), await limiter.take(id, limits)];
      expect(again.map(allowed)).toEqual([true, false]);
    });

    it('counts no request that the other limit refuses', async () => {
      const { limiter } = open();
      const id = fresh();
      const limits = { requestsPerMinute: 2, concurrentRequests: 1 };
      const first = await limiter.take(id, limits);
      for (let i = 0; i < 3; i++) {
        expect(await limiter.take(id, limits)).toMatchObject({ reason: 'concurrency', requests: { remaining: 1 } });
      }
      release(first);
      release(await limiter.take(id, limits));
      expect(await limiter.take(id, limits)).toMatchObject({ reason: 'rate' });
      expect(await limiter.take(id, { ...limits, requestsPerMinute: 0 })).toMatchObject({ allowed: true });
    });

    it('does what a list of all requests would do, whatever is asked when', async () => {
      const steps = fc.array(
        fc.oneof(
          { weight: 4, arbitrary: fc.constant({ do: 'take' } as const) },
          { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(3) }) },
          {
            weight: 2,
            arbitrary: fc.record({ do: fc.constant('wait' as const), tens: fc.integer({ min: 1, max: 9 }) }),
          },
        ),
        { maxLength: 30 },
      );
      await fc.assert(
        fc.asyncProperty(steps, async (list) => {
          const { limiter, advance } = open();
          const id = fresh();
          const limits = { requestsPerMinute: 3, concurrentRequests: 2 };
          const running: LimiterAnswer[] = [];
          // In tens of seconds, of which a request takes two from the six of a minute.
          let missing = 0;
          for (const step of list) {
            if (step.do === 'wait') {
              await advance(id, step.tens * 10_000);
              missing = Math.max(0, missing - step.tens);
            } else if (step.do === 'release') {
              for (const ended of running.splice(step.which, 1)) release(ended);
            } else {
              const answer = await limiter.take(id, limits);
              const expected = running.length >= 2 ? 'concurrency' : missing > 4 ? 'rate' : 'allowed';
              expect(answer.allowed ? 'allowed' : answer.reason).toBe(expected);
              if (answer.allowed) {
                running.push(answer);
                missing += 2;
              }
              expect(answer.requests?.remaining).toBe(Math.floor((6 - missing) / 2));
            }
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}
