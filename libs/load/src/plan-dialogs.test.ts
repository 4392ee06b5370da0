import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planDialogs } from './plan-dialogs.ts';

const half = (): number => 0.5;

it('gives every dialog new pictures without reuse', () => {
  const dialogs = planDialogs({ requests: 5, turns: 2, pictures: 2, reuse: 0 }, half);
  expect(dialogs.map(({ pictures }) => pictures)).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
  ]);
});

it('brings no picture twice in a dialog, numbers new ones in order, and keeps near the share of old ones', () => {
  const shape = fc.record({
    requests: fc.integer({ min: 1, max: 200 }),
    turns: fc.integer({ min: 1, max: 4 }),
    pictures: fc.integer({ min: 0, max: 4 }),
    reuse: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(shape, (each) => {
      const dialogs = planDialogs(each, half);
      expect(dialogs).toHaveLength(Math.ceil(each.requests / each.turns));
      let seen = 0;
      for (const { pictures } of dialogs) {
        expect(new Set(pictures).size).toBe(each.pictures);
        for (const picture of pictures) {
          expect(picture).toBeLessThanOrEqual(seen);
          seen = Math.max(seen, picture + 1);
        }
      }
      const brought = dialogs.length * each.pictures;
      // The first dialog has nothing to take from.
      expect(seen).toBeLessThanOrEqual(Math.max(each.pictures, (1 - each.reuse) * (brought - 1) + 1));
      if (brought > 0) expect(seen).toBeGreaterThan((1 - each.reuse) * (brought - 1) - 1e-9);
    }),
  );
});
