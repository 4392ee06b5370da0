import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxAccuracy } from './box-accuracy.ts';

const wanted = { box: [0, 0, 640, 480], width: 640, height: 480 } as const;

function score(output: string): number {
  return boxAccuracy([{ output, wanted }]).score;
}

describe('boxAccuracy', () => {
  it('reads the first box of the output and turns it into pixels', () => {
    expect(score('<ref>all of it</ref><box>(0,0),(999,999)</box>')).toBe(1);
    expect(score('<box>(0,0),(999,499)</box><box>(0,0),(999,999)</box>')).toBe(0);
    expect(score('<box>(0,0),(999,500)</box>')).toBe(1);
  });

  it.each(['', 'I see none.', '(1,2)', '(0,0),(999)', '(0,0,0),(999,999)', '(0,0),(999,999,999)', '(a,0),(999,999)'])(
    'counts %j as no box',
    (output) => expect(score(output)).toBe(0),
  );

  it('finds a box that is off by less than a third of its side, whatever the size of the picture', () => {
    const scale = fc.integer({ min: 1, max: 4 });
    const shifts = fc.integer({ min: 0, max: 99 }).filter((shift) => shift !== 33); // an overlap of one half but for rounding
    fc.assert(
      fc.property(fc.nat(800), fc.nat(900), shifts, scale, scale, (x, y, shift, across, down) => {
        const output = `<box>(${x},${y}),(${x + 99},${y + 99})</box>`;
        const box = [(x + shift) * across, y * down, (x + shift + 99) * across, (y + 99) * down] as const;
        const moved = { box, width: 999 * across, height: 999 * down };
        expect(boxAccuracy([{ output, wanted: moved }]).score).toBe(Number(shift < 33));
      }),
    );
  });
});
