import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Box, findBoxes, iou, scoreAnswer } from './score.ts';

describe('scoreAnswer', () => {
  it('ignores white space and full stops at the end', () => {
    expect(scoreAnswer('It is a ring.', '  It  is a\nring ')).toEqual({ exact: true });
    expect(scoreAnswer('这是一个橙子。', '这是一个橙子')).toEqual({ exact: true });
  });

  it('tells letters, case and other punctuation apart', () => {
    expect(scoreAnswer('It is a ring.', 'it is a ring.').exact).toBe(false);
    expect(scoreAnswer('It is a ring.', 'It is a ring!').exact).toBe(false);
  });

  it('compares boxes in order and counts a missing one as 0', () => {
    const wanted = '<box>(0,0),(10,10)</box><box>(20,20),(30,30)</box>';
    expect(scoreAnswer(wanted, wanted).boxes).toEqual({ meanIou: 1, found: 1 });
    expect(scoreAnswer(wanted, '<box>(0,0),(10,10)</box>').boxes).toEqual({ meanIou: 0.5, found: 0.5 });
    expect(scoreAnswer(wanted, '<box>(20,20),(30,30)</box><box>(0,0),(10,10)</box>').boxes?.meanIou).toBe(0);
    expect(scoreAnswer(wanted, 'I see none.').boxes).toEqual({ meanIou: 0, found: 0 });
  });

  it('leaves boxes out where none is wanted', () => {
    expect(scoreAnswer('None.', '<box>(0,0),(1,1)</box>')).toEqual({ exact: false });
  });

  it('counts an overlap of exactly one half as found', () => {
    expect(scoreAnswer('(0,0),(10,10)', '(0,0),(10,5)').boxes).toEqual({ meanIou: 0.5, found: 1 });
  });
});

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
