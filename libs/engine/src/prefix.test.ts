import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkRows, positionKeys, sharedPositions } from './prefix.ts';

describe('positionKeys', () => {
  it('tells pictures and their rows apart', () => {
    const keys = positionKeys([
      { kind: 'tokens', ids: [7, 8] },
      { kind: 'image', key: 'a', tokens: 2 },
      { kind: 'image', key: 'b', tokens: 1 },
    ]);
    expect(keys).toEqual([7, 8, 'a#0', 'a#1', 'b#0']);
  });
});

describe('sharedPositions', () => {
  const prefix = { keys: [1, 2, 3, 4], computed: 4, ropeOffset: 0 };

  it('counts the positions that begin both', () => {
    expect(sharedPositions(prefix, [1, 2, 9, 4, 5, 6], 0)).toBe(2);
    expect(sharedPositions(prefix, [1, 2, 3, 4, 5, 6, 7], 0)).toBe(4);
    expect(sharedPositions(prefix, [9, 2, 3, 4], 0)).toBe(0);
  });

  it('leaves two positions to compute', () => {
    expect(sharedPositions(prefix, [1, 2, 3, 4], 0)).toBe(2);
    expect(sharedPositions(prefix, [1, 2, 3, 4, 5], 0)).toBe(3);
    expect(sharedPositions(prefix, [1], 0)).toBe(0);
  });

  it('shares nothing that is not computed yet, or across rotary tables', () => {
    expect(sharedPositions({ ...prefix, computed: 3 }, [1, 2, 3, 4, 5, 6], 0)).toBe(3);
    expect(sharedPositions({ ...prefix, computed: 0 }, [1, 2, 3, 4, 5, 6], 0)).toBe(0);
    expect(sharedPositions(prefix, [1, 2, 3, 4, 5, 6], 8192)).toBe(0);
  });
});

describe('chunkRows', () => {
  it('never takes or leaves a single position, unless there is only one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 300 }), (remaining, most) => {
        const rows = chunkRows(remaining, most);
        expect(rows === 1).toBe(remaining === 1);
        expect(remaining - rows).not.toBe(1);
        expect(rows).toBeLessThanOrEqual(Math.max(most, 3));
        expect(rows).toBeLessThanOrEqual(remaining);
      }),
    );
  });
});
