import { GREEDY, type SamplingOptions } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uniform } from './random.ts';
import { type StepScores, sample } from './sampler.ts';

/** What the graph computes from a row of logits: the `k` likeliest, and the normaliser at the temperature. */
function scoresOf(logits: readonly number[], k: number, temperature: number): StepScores {
  const order = logits.map((_, id) => id).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const scaled = logits.map((logit) => logit / (temperature || 1));
  const largest = Math.max(...scaled);
  return {
    logits: Float32Array.from(logits),
    topIds: BigInt64Array.from(order.slice(0, k), BigInt),
    topValues: Float32Array.from(order.slice(0, k), (id) => logits[id] ?? 0),
    logNormalizer: largest + Math.log(scaled.reduce((sum, x) => sum + Math.exp(x - largest), 0)),
  };
}

/** The definition, without shortcuts: probabilities of what is kept, over the whole vocabulary. */
function distribution(logits: readonly number[], { temperature, topK, topP }: SamplingOptions): Map<number, number> {
  const order = logits.map((_, id) => id).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const first = order.slice(0, topK || undefined);
  const weight = (id: number): number => Math.exp((logits[id] ?? 0) / temperature);
  const total = first.reduce((sum, id) => sum + weight(id), 0);
  const kept = new Map<number, number>();
  let mass = 0;
  for (const id of first) {
    kept.set(id, weight(id) / total);
    mass += weight(id) / total;
    if (mass >= topP) break;
  }
  return new Map([...kept].map(([id, p]) => [id, p / mass]));
}

// Steps of a quarter: exact in float32, and never so close that two ways of summing differ in order.
const logitRow = fc.uniqueArray(
  fc.integer({ min: -40, max: 40 }).map((n) => n / 4),
  { minLength: 12, maxLength: 40 },
);

describe('sample', () => {
  it('draws from the distribution that temperature, top-k and top-p define', () => {
    const options = fc
      .record({
        temperature: fc.constantFrom(0.25, 0.7, 1, 2),
        topP: fc.constantFrom(0.05, 0.33, 0.8, 1),
        topK: fc.constantFrom(0, 1, 3, 8, 100),
        repetitionPenalty: fc.constant(1),
        seed: fc.nat(),
      })
      .map((some) => ({ ...GREEDY, ...some }));
    fc.assert(
      fc.property(logitRow, options, fc.integer({ min: 1, max: 8 }), fc.nat(1000), (logits, o, listed, position) => {
        const id = sample(scoresOf(logits, listed, o.temperature), o, () => [], position);
        // Inverse transform over the likeliest first: the cumulative probability before the token is at most u.
        const u = uniform(o.seed, position);
        let before = 0;
        const wanted = distribution(logits, o);
        for (const [candidate, p] of wanted) {
          if (candidate === id) break;
          before += p;
        }
        expect(wanted.has(id)).toBe(true);
        expect(u).toBeGreaterThanOrEqual(before - 1e-5);
        expect(u).toBeLessThan(before + (wanted.get(id) ?? 0) + 1e-5);
      }),
    );
  });

  it('takes the likeliest token when greedy, whatever top-p, top-k and seed say', () => {
    const logits = [0, 3, -1, 2.5];
    for (const o of [GREEDY, { ...GREEDY, topP: 0.1, seed: 7 }]) {
      expect(sample(scoresOf(logits, 2, 0), o, () => [], 0)).toBe(1);
    }
  });

  it('divides positive and multiplies negative logits of seen ids by the repetition penalty', () => {
    const o = { ...GREEDY, repetitionPenalty: 2 };
    expect(sample(scoresOf([4, 3, 1], 2, 0), o, () => [0], 0)).toBe(1);
    expect(sample(scoresOf([-1, -1.5, -9], 2, 0), o, () => [0, 0], 0)).toBe(1);
  });

  it('gives one answer, however few of the likeliest tokens the graph lists, and for a penalty that changes nothing', () => {
    const options = fc
      .record({
        temperature: fc.constantFrom(0.25, 1, 2),
        topP: fc.constantFrom(0.33, 0.8, 1),
        topK: fc.constantFrom(0, 3, 100),
        seed: fc.nat(),
      })
      .map((some) => ({ ...GREEDY, ...some }));
    fc.assert(
      fc.property(logitRow, options, (logits, o) => {
        const draw = (listed: number, repetitionPenalty: number): number =>
          sample(scoresOf(logits, listed, o.temperature), { ...o, repetitionPenalty }, () => [], 0);
        expect([draw(1, 1), draw(5, 1), draw(5, 1.5)]).toEqual(Array(3).fill(draw(logits.length, 1)));
      }),
    );
  });

  it('takes the likeliest token at a temperature too small to divide by', () => {
    for (const temperature of [1e-6, 1e-40, Number.MIN_VALUE]) {
      const scores = { ...scoresOf([0, 3, -1, 2.5], 2, 1), logNormalizer: Number.NaN };
      expect(sample(scores, { ...GREEDY, temperature }, () => [], 0)).toBe(1);
    }
  });

  it('never draws a masked token, even when the nucleus is everything', () => {
    const logits = [0, Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY];
    for (let position = 0; position < 200; position++) {
      const o = { ...GREEDY, temperature: 5, seed: 1 };
      expect([0, 2]).toContain(sample(scoresOf(logits, 1, 5), o, () => [], position));
    }
  });
});

describe('uniform', () => {
  it('is a function of seed and position', () => {
    expect(uniform(42, 7)).toBe(uniform(42, 7));
    expect(uniform(42, 7)).not.toBe(uniform(42, 8));
    expect(uniform(42, 7)).not.toBe(uniform(43, 7));
    expect(uniform(2 ** 40, 7)).not.toBe(uniform(2 ** 41, 7));
  });

  it('is spread evenly, also between neighbouring seeds and positions', () => {
    for (const draw of [(i: number) => uniform(1, i), (i: number) => uniform(i, 100)]) {
      const bins = new Array(16).fill(0);
      const n = 16_000;
      for (let i = 0; i < n; i++) bins[Math.floor(draw(i) * 16)]++;
      const chiSquared = bins.reduce((sum, count) => sum + (count - n / 16) ** 2 / (n / 16), 0);
      // 99.99th percentile of chi squared with 15 degrees of freedom is 44.3.
      expect(chiSquared).toBeLessThan(44.3);
    }
  });
});
