import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anls } from './anls.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', 'C', ' ', '中', '🐶', '.') });
const score = (output: string, ...wanted: string[]) => anls([{ output, wanted }]).score;

describe('anls', () => {
  it('is one less the edits over the longer length, and nothing below a half', () => {
    expect(score('New Yrk', 'New York')).toBeCloseTo(7 / 8, 12);
    expect(score('abcd', 'abxy')).toBe(0.5);
    expect(score('abc', 'axy')).toBe(0);
    expect(score('中文', '中国')).toBe(0.5);
  });

  it('is the same both ways round, 1 for the same text, and else 0 or from a half to 1', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(score(a, b)).toBe(score(b, a));
        expect(score(a, a)).toBe(1);
        if (score(a, b) !== 0) expect(score(a, b)).toBeGreaterThanOrEqual(0.5);
        expect(score(a, b)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('takes the closest of the wanted answers', () => {
    fc.assert(
      fc.property(text, fc.array(text, { minLength: 1 }), (output, wanted) => {
        expect(score(output, ...wanted)).toBe(Math.max(...wanted.map((answer) => score(output, answer))));
      }),
    );
  });
});
