import { GREEDY, type SamplingOptions } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uniform } from './random.ts';
import { logprobsOf, type StepScores, sample } from './sampler.ts';
import { TokenCounts } from './token-counts.ts';

/** What a sequence has seen: the ids of its prompt, and those of its answer in order. */
const seen = (prompt: readonly number[] = [], answer: readonly number[] = []): TokenCounts => {
  const counts = new TokenCounts(prompt);
  for (const id of answer) counts.add(id);
  return counts;
};

/** A mask that allows these ids and no others. */
const maskOf = (ids: readonly number[], vocab: number): Int32Array => {
  const mask = new Int32Array(Math.ceil(vocab / 32));
  for (const id of ids) mask[id >> 5] = (mask[id >> 5] ?? 0) | (1 << (id % 32));
  return mask;
};

/** What the graph computes from a row of logits: the `k` likeliest, and the normaliser at the temperature, in float32. */
function scoresOf(logits: readonly number[], k: number, temperature: number): StepScores {
  const order = logits.map((_, id) => id).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const scaled = logits.map((logit) => logit / (temperature || 1));
  const largest = Math.max(...scaled);
  return {
    vocab: logits.length,
    logits: Float32Array.from(logits),
    topIds: BigInt64Array.from(order.slice(0, k), BigInt),
    topValues: Float32Array.from(order.slice(0, k), (id) => logits[id] ?? 0),
    logNormalizer: Math.fround(largest + Math.log(scaled.reduce((sum, x) => sum + Math.exp(x - largest), 0))),
  };
}

/** The definition, without shortcuts: probabilities of what is kept, over the whole vocabulary. */
function distribution(logits: readonly number[], options: SamplingOptions): Map<number, number> {
  const { temperature, topK, topP, minP } = options;
  const order = logits
    .map((_, id) => id)
    .filter((id) => logits[id] !== Number.NEGATIVE_INFINITY)
    .sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
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
  const most = Math.max(...kept.values());
  const left = [...kept].filter(([, p]) => p >= minP * most);
  mass = left.reduce((sum, [, p]) => sum + p, 0);
  return new Map(left.map(([id, p]) => [id, p / mass]));
}

/** The definition of what happens to logits before, over the whole row. */
function adjusted(
  logits: readonly number[],
  options: SamplingOptions,
  prompt: readonly number[],
  answer: readonly number[],
  allowed: readonly number[] | undefined,
): number[] {
  const { repetitionPenalty, presencePenalty, frequencyPenalty, logitBias } = options;
  return logits.map((logit, id) => {
    if (allowed && !allowed.includes(id)) return Number.NEGATIVE_INFINITY;
    let out = logit;
    if (prompt.includes(id) || answer.includes(id)) {
      out = out > 0 ? out / repetitionPenalty : out * repetitionPenalty;
    }
    const times = answer.filter((each) => each === id).length;
    out -= (times > 0 ? presencePenalty : 0) + times * frequencyPenalty;
    return Math.fround(out + (logitBias.get(id) ?? 0));
  });
}

/** Whether `id` is what inverse transform over the likeliest first gives at `u`. */
function expectDrawn(id: number, wanted: Map<number, number>, u: number): void {
  let before = 0;
  for (const [candidate, p] of wanted) {
    if (candidate === id) break;
    before += p;
  }
  expect(wanted.has(id)).toBe(true);
  expect(u).toBeGreaterThanOrEqual(before - 1e-5);
  expect(u).toBeLessThan(before + (wanted.get(id) ?? 0) + 1e-5);
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
        minP: fc.constantFrom(0, 0.01, 0.3, 1),
        seed: fc.nat(),
      })
      .map((some) => ({ ...GREEDY, ...some }));
    fc.assert(
      fc.property(logitRow, options, fc.integer({ min: 1, max: 8 }), fc.nat(1000), (logits, o, listed, position) => {
        const id = sample(scoresOf(logits, listed, o.temperature), o, { counts: seen(), position });
        expectDrawn(id, distribution(logits, o), uniform(o.seed, position));
      }),
    );
  });

  it('takes the likeliest token when greedy, whatever top-p, top-k and seed say', () => {
    const logits = [0, 3, -1, 2.5];
    for (const o of [GREEDY, { ...GREEDY, topP: 0.1, seed: 7 }]) {
      expect(sample(scoresOf(logits, 2, 0), o, { counts: seen(), position: 0 })).toBe(1);
    }
  });

  it('divides positive and multiplies negative logits of seen ids by the repetition penalty', () => {
    const o = { ...GREEDY, repetitionPenalty: 2 };
    for (const counts of [seen([0]), seen([], [0, 0])]) {
      expect(sample(scoresOf([4, 3, 1], 2, 0), o, { counts, position: 0 })).toBe(1);
      expect(sample(scoresOf([-1, -1.5, -9], 2, 0), o, { counts, position: 0 })).toBe(1);
    }
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
          sample(scoresOf(logits, listed, o.temperature), { ...o, repetitionPenalty }, { counts: seen(), position: 0 });
        expect([draw(1, 1), draw(5, 1), draw(5, 1.5)]).toEqual(Array(3).fill(draw(logits.length, 1)));
      }),
    );
  });

  it('takes the likeliest token at a temperature too small to divide by', () => {
    for (const temperature of [1e-6, 1e-40, Number.MIN_VALUE]) {
      const scores = { ...scoresOf([0, 3, -1, 2.5], 2, 1), logNormalizer: Number.NaN };
      expect(sample(scores, { ...GREEDY, temperature }, { counts: seen(), position: 0 })).toBe(1);
    }
  });

  it('takes the lower id first on ties, of 0 and -0 too, where it looks at the whole row', () => {
    const scores = scoresOf([-1, 0, -0, 0, -2, -1], 1, 1);
    const o = { ...GREEDY, temperature: 1, topK: 5 };
    const order = [1, 2, 3, 0, 5];
    const sum = 3 + 2 * Math.exp(-1);
    for (let position = 0; position < 100; position++) {
      const point = uniform(0, position) * sum;
      const wanted = order[point < 3 ? Math.floor(point) : point < 3 + Math.exp(-1) ? 3 : 4];
      expect(sample(scores, o, { counts: seen(), position })).toBe(wanted);
    }
  });

  it('never draws a masked token, even when the nucleus is everything', () => {
    const logits = [0, Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY];
    for (let position = 0; position < 200; position++) {
      const o = { ...GREEDY, temperature: 5, seed: 1 };
      expect([0, 2]).toContain(sample(scoresOf(logits, 1, 5), o, { counts: seen(), position }));
    }
  });

  it('draws from what penalties, bias and grammar leave, however few of the likeliest tokens the graph lists', () => {
    const ids = fc.array(fc.nat(11), { maxLength: 8 });
    const options = fc
      .record({
        temperature: fc.constantFrom(0, 0.25, 1, 2, 8),
        topP: fc.constantFrom(0.05, 0.8, 1, 1),
        topK: fc.constantFrom(0, 0, 0, 1, 3, 8, 100),
        minP: fc.constantFrom(0, 0, 0.01, 0.3),
        repetitionPenalty: fc.constantFrom(1, 1.1, 0.5, 3),
        presencePenalty: fc.constantFrom(0, 0.5, -2),
        frequencyPenalty: fc.constantFrom(0, 0.25, -1),
        logitBias: fc.array(fc.tuple(fc.nat(11), fc.constantFrom(-100, -1, 2, 100))).map((some) => new Map(some)),
        seed: fc.nat(),
      })
      .map((some) => ({ ...GREEDY, ...some }));
    const grammar = fc.option(fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 12 }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({ logits: logitRow, o: options, listed: fc.integer({ min: 1, max: 8 }), prompt: ids, answer: ids }),
        grammar,
        ({ logits, o, listed, prompt, answer }, allowed) => {
          const context = {
            counts: seen(prompt, answer),
            position: 5,
            ...(allowed && { allowed: maskOf(allowed, logits.length) }),
          };
          const id = sample(scoresOf(logits, listed, o.temperature), o, context);
          const row = adjusted(logits, o, prompt, answer, allowed);
          if (o.temperature === 0) expect(id).toBe(row.indexOf(Math.max(...row)));
          else expectDrawn(id, distribution(row, o), uniform(o.seed, 5));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('spreads over what a grammar allows the probability that it takes from the rest', () => {
    const scores = scoresOf(Array(40).fill(0), 4, 1);
    const allowed = maskOf([1, 3, 30], 40);
    for (let position = 0; position < 50; position++) {
      const drawn = sample(scores, { ...GREEDY, temperature: 1, seed: 3 }, { counts: seen(), position, allowed });
      expect(drawn).toBe([1, 3, 30][Math.floor(uniform(3, position) * 3)]);
    }
  });

  it('counts presence once and frequency each time, in the answer only', () => {
    const counts = seen([2, 2, 2], [0, 0, 1]);
    const pick = (logits: number[], o: Partial<SamplingOptions>): number =>
      sample(scoresOf(logits, 3, 0), { ...GREEDY, ...o }, { counts, position: 0 });
    expect(pick([4, 3.5, 3.25], { presencePenalty: 0.5 })).toBe(0);
    expect(pick([4, 3.5, 3.25], { presencePenalty: 1 })).toBe(2);
    expect(pick([4, 3.75, 3], { frequencyPenalty: 0.5 })).toBe(1);
  });

  it('takes the lowest id when adjusted logits tie', () => {
    const o = { ...GREEDY, logitBias: new Map([[4, 1]]) };
    const pick = (listed: number): number =>
      sample(scoresOf([0, 2, 3, 3, 2], listed, 0), o, { counts: seen(), position: 0 });
    expect([1, 2, 3, 5].map(pick)).toEqual([2, 2, 2, 2]);
  });

  it('reads no more than the touched logits of a row where the list suffices', () => {
    const logits = Array.from({ length: 1000 }, (_, id) => (id < 4 ? 20 - id : -id / 100));
    const read: PropertyKey[] = [];
    const scores = scoresOf(logits, 8, 1);
    const row = new Proxy(scores.logits, {
      get: (target, key) => {
        read.push(key);
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const counts = seen([0, 500], [7]);
    for (const temperature of [0, 1]) {
      for (const allowed of [undefined, maskOf([1, 3, 5, 900], 1000)]) {
        const o = { ...GREEDY, temperature, topP: 0.9, repetitionPenalty: 1.1, presencePenalty: 0.1 };
        sample({ ...scores, logits: row }, o, { counts, position: 0, ...(allowed && { allowed }) });
      }
    }
    expect(new Set(read)).toEqual(new Set(['0', '500', '7']));
  });

  it('does not ask for the row where nothing is touched and the list suffices', () => {
    const logits = Array.from({ length: 1000 }, (_, id) => (id < 4 ? 20 - id : -id / 100));
    for (const temperature of [0, 1]) {
      const scores = scoresOf(logits, 8, temperature);
      Object.defineProperty(scores, 'logits', {
        get() {
          throw new Error('The row was asked for.');
        },
      });
      const context = { counts: seen([0], [1]), position: 0 };
      const id = sample(scores, { ...GREEDY, temperature, topP: 0.9 }, context);
      expect(id).toBeLessThan(4);
      expect(logprobsOf(scores, id, 5, temperature).top).toHaveLength(5);
    }
  });

  it('fails when a grammar allows nothing that the model can say', () => {
    for (const temperature of [0, 1]) {
      for (const allowed of [[], [1]]) {
        const scores = scoresOf([3, Number.NEGATIVE_INFINITY, 2], 2, temperature);
        const context = { counts: seen(), position: 0, allowed: maskOf(allowed, 3) };
        expect(() => sample(scores, { ...GREEDY, temperature }, context)).toThrow(
          expect.objectContaining({ code: 'inference_failed' }),
        );
      }
    }
  });
});

describe('logprobsOf', () => {
  it('are those of the raw distribution, whatever the temperature of the request', () => {
    fc.assert(
      fc.property(
        logitRow,
        fc.constantFrom(0, 0.25, 1, 2),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(9),
        (logits, temperature, listed, top) => {
          const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
          const order = logits.map((_, id) => id).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
          const found = logprobsOf(scoresOf(logits, listed, temperature), 3, top, temperature);
          expect(Math.exp(found.logprob)).toBeCloseTo(Math.exp(logits[3] ?? 0) / sum, 5);
          expect(found.top.map(({ id }) => id)).toEqual(order.slice(0, top));
          for (const { id, logprob } of found.top) {
            expect(logprob).toBeCloseTo((logits[id] ?? 0) - Math.log(sum), 4);
          }
        },
      ),
    );
  });

  it('leave out tokens that can never come', () => {
    const scores = scoresOf([1, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], 2, 0);
    expect(logprobsOf(scores, 0, 2, 0).top).toEqual([{ id: 0, logprob: expect.closeTo(0) }]);
    expect(logprobsOf(scores, 0, 3, 0).top).toHaveLength(1);
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
