import { describe, expect, it } from 'vitest';
import { PrefixIndex } from './prefix-index.ts';

const PODS = 4;
const SYSTEM = [1, 2, 3];

/** An index that has seen so many dialogs which have nothing but a system prompt in common. */
const withDialogs = (count: number, index = new PrefixIndex(10_000)): PrefixIndex => {
  for (let i = 0; i < count; i++) index.record([...SYSTEM, 1000 + i, 5000 + i], `pod${i % PODS}`);
  return index;
};

describe('the index of beginnings', () => {
  it('finds the pod that a dialog went to last, whatever it goes on with', () => {
    const index = withDialogs(100);
    expect(index.lookUp([...SYSTEM, 1005, 5005, 77], PODS).address).toBe('pod1');
    index.record([...SYSTEM, 1005, 5005, 77], 'pod3');
    expect(index.lookUp([...SYSTEM, 1005, 5005, 77, 78], PODS).address).toBe('pod3');
    expect(index.lookUp([...SYSTEM, 1006, 5006], PODS).address).toBe('pod2');
  });

  it('takes a system prompt for what it is: nobody is sent after it, and what follows it decides', () => {
    const index = withDialogs(100);
    expect(index.lookUp([...SYSTEM, 9999], PODS)).toEqual({ anchor: 9999 });
    expect(index.lookUp(SYSTEM, PODS)).toEqual({ anchor: 3 });
  });

  it('keeps dialogs about one picture together while they are fewer than a quarter of what a pod gets', () => {
    const index = withDialogs(200);
    const picture = [...SYSTEM, 50];
    for (let i = 0; i < 10; i++) index.record([...picture, 100 + i], 'pod2');
    expect(index.lookUp([...picture, 999], PODS)).toEqual({ anchor: 50 });
    for (let i = 10; i < 30; i++) index.record([...picture, 100 + i], 'pod2');
    expect(index.lookUp([...picture, 999], PODS)).toEqual({ anchor: 999 });
  });

  it('does not take one long dialog, or one that is answered again and again, for many', () => {
    const index = new PrefixIndex(1000);
    const blocks = [...SYSTEM];
    for (let turn = 0; turn < 50; turn++) {
      blocks.push(100 + turn);
      for (let i = 0; i < 8; i++) index.record(blocks, 'pod1');
    }
    expect(index.lookUp([...blocks, 7], PODS)).toEqual({ anchor: 1, address: 'pod1' });
  });

  it('forgets what was not used for longest, ends before beginnings', () => {
    const index = new PrefixIndex(5);
    index.record([1, 2, 3], 'pod1');
    index.record([1, 4, 5], 'pod2');
    expect(index.lookUp([1, 2, 3], PODS).address).toBe('pod1');
    index.record([1, 6], 'pod3');
    expect(index.lookUp([1, 4, 5], PODS).address).toBe('pod2');
    expect(index.lookUp([1, 2, 3], PODS).address).toBe('pod1');
    index.record([1, 7], 'pod0');
    expect(index.lookUp([1, 4, 5], PODS).address).toBe('pod2');
    expect(index.lookUp([1, 2, 3], PODS).address).toBeUndefined();
  });

  it('says the first beginning when it knows nothing', () => {
    expect(new PrefixIndex(10).lookUp([4, 5, 6], PODS)).toEqual({ anchor: 4 });
    expect(new PrefixIndex(10).lookUp([], PODS)).toEqual({ anchor: 0 });
  });

  it("tells of recent dialogs: what was everybody's once is not for ever", () => {
    const index = withDialogs(1000);
    expect(index.lookUp([...SYSTEM, 9999], PODS).address).toBeUndefined();
    for (let i = 0; i < 60_000; i++) index.record([20_000 + i], 'pod1');
    expect(index.lookUp([1, 9999], PODS).anchor).toBe(1);
  });
});
