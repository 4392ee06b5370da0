import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Box, findBoxes, iou } from './box.ts';

describe('iou', () => {
  const box = fc
    .tuple(fc.nat(999), fc.nat(999), fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }))
    .map(([x, y, width, height]): Box => [x, y, x + width, y + height]);

  it('is symmetric, at most 1, and 1 for equal boxes only', () => {
    fc.assert(
      fc.property(box, box, (a, b) => {
        expect(iou(a, b)).toBe(iou(b, a));
        expect(iou(a, b)).toBeLessThanOrEqual(1);
        expect(iou(a, a)).toBe(1);
        if (String(a) !== String(b)) expect(iou(a, b)).toBeLessThan(1);
      }),
    );
  });

  it('is the shared area over the joint area', () => {
    expect(iou([0, 0, 2, 2], [1, 1, 3, 3])).toBeCloseTo(1 / 7, 12);
    expect(iou([0, 0, 2, 2], [2, 0, 4, 2])).toBe(0);
  });

  it('reads boxes back as they were written', () => {
    fc.assert(
      fc.property(fc.array(box), (boxes) => {
        const text = boxes.map(([x1, y1, x2, y2]) => `<box>(${x1},${y1}),(${x2},${y2})</box>`).join(' and ');
        expect(findBoxes(text)).toEqual(boxes);
      }),
    );
  });
});
