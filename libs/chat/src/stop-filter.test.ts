import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStopFilter } from './stop-filter.ts';

const filter = (stops: readonly string[], pieces: readonly string[]) => {
  const stopFilter = createStopFilter(stops);
  const shown: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = stopFilter.push(piece);
    shown.push(text);
    if (stopped) break;
  }
  return [...shown, stopFilter.end()];
};

describe('the stop filter', () => {
  it('holds back what may be the beginning of a stop string', () => {
    expect(filter(['END'], ['a', 'bE', 'N', 'x', 'EN', 'D', 'more'])).toEqual(['a', 'b', '', 'ENx', '', '', '']);
  });

  it('shows what it held back when the text ends', () => {
    expect(filter(['END'], ['aEN'])).toEqual(['a', 'EN']);
  });

  it('ends before the stop string that is complete first', () => {
    expect(filter(['abc', 'b'], ['abc']).join('')).toBe('a');
    expect(filter(['b', 'ab'], ['abc']).join('')).toBe('');
  });

  it('shows the same however the text is cut, and never a part of the stop string', () => {
    const letters = (minLength: number, maxLength: number) =>
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength, maxLength });
    fc.assert(
      fc.property(
        fc.array(letters(1, 4), { maxLength: 3 }),
        fc.array(letters(0, 5), { maxLength: 8 }),
        (stops, pieces) => {
          const whole = filter(stops, [pieces.join('')]).join('');
          expect(filter(stops, pieces).join('')).toBe(whole);
          expect(filter(stops, [...pieces.join('')]).join('')).toBe(whole);
          expect(pieces.join('').startsWith(whole)).toBe(true);
          for (const stop of stops) expect(whole).not.toContain(stop);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
