import { describe, expect, it } from 'vitest';
import { TokenCounts } from './token-counts.ts';

describe('the token counts of a sequence', () => {
  it('keep the ids of the prompt apart from those of the answer, and count the answer as it grows', () => {
    const counts = new TokenCounts([5, 3, 5]);
    expect([...counts.prompt]).toEqual([5, 3]);
    expect([...counts.answer]).toEqual([]);
    for (const id of [3, 7, 3]) counts.add(id);
    expect([...counts.prompt]).toEqual([5, 3]);
    expect([...counts.answer]).toEqual([
      [3, 2],
      [7, 1],
    ]);
  });

  it('do not change what they were made from', () => {
    const ids = [1];
    const counts = new TokenCounts(ids);
    counts.add(2);
    expect(ids).toEqual([1]);
  });
});
