import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relaxedAccuracy } from './relaxed-accuracy.ts';

const score = (output: string, ...wanted: string[]) => relaxedAccuracy([{ output, wanted }]).score;

describe('relaxedAccuracy', () => {
  it('takes numbers within 5 % of the wanted one, above and below', () => {
    const wanted = fc.integer({ min: -100_000, max: 100_000 }).filter((value) => value !== 0);
    const off = fc
      .double({ min: -0.2, max: 0.2, noNaN: true })
      .filter((value) => Math.abs(Math.abs(value) - 0.05) > 1e-6);
    fc.assert(
      fc.property(wanted, off, (value, share) => {
        expect(score(String(value * (1 + share)), String(value))).toBe(Number(Math.abs(share) < 0.05));
      }),
    );
  });

  it('measures from the wanted number, not from the given one', () => {
    expect(score('105', '100')).toBe(1);
    expect(score('100', '105.3')).toBe(0);
  });

  it('reads percentages as shares of one', () => {
    expect(score('50%', '0.5')).toBe(1);
    expect(score('50%', '50')).toBe(0);
  });

  it('compares all else as text in whatever case', () => {
    expect(score(' bar chart\n', 'Bar Chart')).toBe(1);
    expect(score('1,000', '1000')).toBe(0);
    expect(score('0.0', '0')).toBe(0);
    expect(score('yes', 'no', 'Yes')).toBe(1);
  });
});
