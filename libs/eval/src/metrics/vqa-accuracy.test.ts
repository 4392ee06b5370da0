import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vqaAccuracy } from './vqa-accuracy.ts';

const score = (output: string, wanted: readonly string[]) => vqaAccuracy([{ output, wanted }]).score;
const humans = (agreeing: number) => Array.from({ length: 10 }, (_, index) => (index < agreeing ? 'red' : 'blue'));

describe('vqaAccuracy', () => {
  it('grows with the humans who agree, averaged over leaving one out', () => {
    const scores = [0, 1, 2, 3, 4, 10].map((agreeing) => score('red', humans(agreeing)));
    for (const [index, wanted] of [0, 0.3, 0.6, 0.9, 1, 1].entries()) expect(scores[index]).toBeCloseTo(wanted, 12);
  });

  it('does not mind the order of the humans', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(humans(3), { minLength: 10 }), (wanted) => {
        expect(score('red', wanted)).toBeCloseTo(0.9, 12);
      }),
    );
  });

  it.each(['Red', ' red\n', 'the red', 'red.', 'a red', '"red"', 'red!'])('reads %j as red', (output) => {
    expect(score(output, humans(10))).toBe(1);
  });

  it('knows number words, contractions and separators', () => {
    expect(score('two', Array(10).fill('2'))).toBe(1);
    expect(score('dont know', Array(10).fill("don't know"))).toBe(1);
    expect(score('1,000', Array(10).fill('1000'))).toBe(1);
    expect(score('red/white', Array(10).fill('red white'))).toBe(1);
  });

  it('is from 0 to 1 for whatever text', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (output, wanted) => {
        const value = score(output, [output, ...wanted]);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }),
    );
  });
});
