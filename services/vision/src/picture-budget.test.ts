import { DECODE_BYTES_PER_PIXEL } from '@eidetic/image';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PictureBudget, type PictureShare } from './picture-budget.ts';

const PIXELS = DECODE_BYTES_PER_PIXEL;
const REFUSAL = { code: 'overloaded', details: { limit: 1000, retryAfterMs: expect.any(Number) } };

const budgetOf = (decoders = 2) => new PictureBudget({ maxBytes: 1000, decoders, resultBytes: 10 });

describe('a budget of memory for pictures', () => {
  it('counts compressed bytes twice and a result, and gives back what has ended', () => {
    const budget = budgetOf();
    const share = budget.admit(100);
    expect(budget.usedBytes).toBe(210);
    share[Symbol.dispose]();
    expect(budget.usedBytes).toBe(0);
  });

  it('counts decoding only of as many as are decoded at the same time, the largest', () => {
    const budget = budgetOf(2);
    for (const pixels of [10, 30, 20]) budget.admit(0).isKnown(0, pixels);
    expect(budget.usedBytes).toBe(3 * 10 + 50 * PIXELS);
  });

  it('refuses what does not fit beside others, and says when to come again', () => {
    const budget = budgetOf();
    const first = budget.admit(300);
    expect(() => budget.admit(300)).toThrow(expect.objectContaining(REFUSAL));
    const small = budget.admit(10);
    expect(() => small.isKnown(10, 100)).toThrow(expect.objectContaining(REFUSAL));
    first[Symbol.dispose]();
    small.isKnown(10, 100);
  });

  it('takes one picture alone, however large', () => {
    const share = budgetOf().admit(20_000);
    share.isKnown(20_000, 1_000_000);
  });

  it('never takes more than it has, but for one picture alone', () => {
    const size = fc.nat(600);
    fc.assert(
      fc.property(fc.array(fc.tuple(size, size, fc.nat(100), fc.boolean())), (pictures) => {
        const budget = budgetOf();
        const shares: PictureShare[] = [];
        for (const [bound, bytes, pixels, ends] of pictures) {
          try {
            shares.push(budget.admit(bound));
            shares.at(-1)?.isKnown(bytes, pixels);
          } catch {
            // Refused: it must not count.
          }
          if (ends) shares.shift()?.[Symbol.dispose]();
          if (shares.length > 1) expect(budget.usedBytes).toBeLessThanOrEqual(1000);
        }
        for (const share of shares) share[Symbol.dispose]();
        expect(budget.usedBytes).toBe(0);
      }),
    );
  });
});
