import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8Ranges } from './utf8-ranges.ts';

/** Code points that can be encoded, those where the encoding changes its length or its last byte wraps more often. */
const point = fc.oneof(
  fc.constantFrom(
    0,
    0x7f,
    0x80,
    0x7ff,
    0x800,
    0xfff,
    0x1000,
    0xd7ff,
    0xe000,
    0xffff,
    0x10000,
    0x3ffff,
    0x40000,
    0x10ffff,
  ),
  fc.integer({ min: 0, max: 0x10ffff }).filter((value) => value < 0xd800 || value > 0xdfff),
);
const range = fc
  .tuple(point, point)
  .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)])
  // The library's ranges hold no surrogates.
  .filter(([first, last]) => last < 0xd800 || first > 0xdfff);

test('encodes the code points of the range, and no others', () => {
  fc.assert(
    fc.property(range, fc.array(point), ([first, last], others) => {
      const sequences = utf8Ranges([first, last]);
      const near = [first - 1, first, first + 1, last - 1, last, last + 1].filter(
        (value) => value >= 0 && value <= 0x10ffff,
      );
      for (const value of [...near, ...others]) {
        if (value >= 0xd800 && value <= 0xdfff) continue;
        const bytes = Buffer.from(String.fromCodePoint(value));
        const matches = sequences.filter(
          (sequence) =>
            sequence.length === bytes.length &&
            sequence.every(([low, high], i) => low <= (bytes[i] ?? -1) && (bytes[i] ?? 256) <= high),
        );
        expect(matches.length, `U+${value.toString(16)}`).toBe(first <= value && value <= last ? 1 : 0);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('counts as many byte strings as there are code points', () => {
  fc.assert(
    fc.property(range, ([first, last]) => {
      const strings = utf8Ranges([first, last]).map((sequence) =>
        sequence.reduce((product, [low, high]) => product * (high - low + 1), 1),
      );
      expect(strings.reduce((sum, count) => sum + count, 0)).toBe(last - first + 1);
    }),
    { numRuns: 2_000 },
  );
});
