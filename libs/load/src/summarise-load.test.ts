import { expect, it } from 'vitest';
import { summariseLoad } from './summarise-load.ts';

const answer = (arrivedMs: readonly number[], totalMs: number) => ({
  answer: { text: '', arrivedMs, totalMs, promptTokens: 100, cachedTokens: 80, completionTokens: arrivedMs.length },
});

it('computes what is known of a load', () => {
  const run = { durationMs: 2000, outcomes: [answer([10, 20, 50], 60), { error: 'overloaded' }, answer([30, 31], 40)] };
  expect(summariseLoad(run)).toEqual({
    durationMs: 2000,
    answered: 2,
    errors: { overloaded: 1 },
    requestsPerSecond: 1,
    tokensPerSecond: 2.5,
    promptTokens: 200,
    cachedTokens: 160,
    completionTokens: 5,
    firstTokenMs: { p50: 10, p90: 30, p99: 30 },
    interTokenMs: { p50: 10, p90: 30, p99: 30 },
    totalMs: { p50: 40, p90: 60, p99: 60 },
  });
});

it('has no quantiles of nothing', () => {
  const { firstTokenMs, answered } = summariseLoad({ durationMs: 5, outcomes: [{ error: 'ECONNREFUSED' }] });
  expect([firstTokenMs, answered]).toEqual([undefined, 0]);
});
