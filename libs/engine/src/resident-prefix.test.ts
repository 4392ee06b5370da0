import { describe, expect, it } from 'vitest';
import { positionKeys, sharedPositions } from './resident-prefix.ts';

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
  const resident = { keys: [1, 2, 3, 4], ropeOffset: 0, admission: 0 };

  it('counts the positions that begin both', () => {
    expect(sharedPositions(resident, [1, 2, 9, 4, 5, 6], 0)).toBe(2);
    expect(sharedPositions(resident, [1, 2, 3, 4, 5, 6, 7], 0)).toBe(4);
    expect(sharedPositions(resident, [9, 2, 3, 4], 0)).toBe(0);
  });

  it('leaves two positions to compute', () => {
    expect(sharedPositions(resident, [1, 2, 3, 4], 0)).toBe(2);
    expect(sharedPositions(resident, [1, 2, 3, 4, 5], 0)).toBe(3);
    expect(sharedPositions(resident, [1], 0)).toBe(0);
  });

  it('shares nothing with an empty slot, or across rotary tables', () => {
    expect(sharedPositions(undefined, [1, 2, 3], 0)).toBe(0);
    expect(sharedPositions(resident, [1, 2, 3, 4, 5, 6], 8192)).toBe(0);
  });
});
