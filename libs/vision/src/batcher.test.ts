import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createBatcher } from './batcher.ts';

/** A run that ends when the test says so. */
function heldRuns(): {
  run: (items: readonly number[]) => Promise<number[]>;
  batches: number[][];
  release: () => void;
} {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  return {
    batches,
    run: async (items) => {
      batches.push([...items]);
      await new Promise<void>((end) => ends.push(end));
      return items.map((item) => item * 10);
    },
    release: async () => {
      ends.shift()?.();
      await nextTurn(); // the next batch has started
    },
  };
}

describe('createBatcher', () => {
  it('runs what is there at once, and together what arrived during the run, up to maxBatch', async () => {
    const { run, batches, release } = heldRuns();
    const batcher = createBatcher(2, run);
    const results = [1, 2, 3, 4].map((item) => batcher.submit(item));
    expect(batches).toEqual([[1]]);
    await release();
    expect(await results[0]).toBe(10);
    expect(batches).toEqual([[1], [2, 3]]);
    await release();
    expect(await Promise.all([results[1], results[2]])).toEqual([20, 30]);
    await release();
    expect(await results[3]).toBe(40);
    expect(batches).toEqual([[1], [2, 3], [4]]);
  });

  it('starts again after falling idle', async () => {
    const batcher = createBatcher(4, async (items: readonly number[]) => items);
    expect(await batcher.submit(1)).toBe(1);
    expect(await batcher.submit(2)).toBe(2);
  });

  it('leaves out an item whose caller left while it waited', async () => {
    const { run, batches, release } = heldRuns();
    const batcher = createBatcher(2, run);
    const leaving = new AbortController();
    const first = batcher.submit(1);
    const left = batcher.submit(2, leaving.signal);
    const stays = batcher.submit(3);
    const refused = expect(left).rejects.toThrow('gone');
    leaving.abort(new Error('gone'));
    await refused;
    await expect(batcher.submit(4, leaving.signal)).rejects.toThrow('gone');
    await release();
    await first;
    await release();
    expect(await stays).toBe(30);
    expect(batches).toEqual([[1], [3]]);
  });

  it('fails the items of a failed batch, and no others', async () => {
    const batcher = createBatcher(2, async (items: readonly number[]) => {
      if (items.includes(2)) throw new Error('bad batch');
      return items;
    });
    const results = await Promise.allSettled([1, 2, 3, 4].map((item) => batcher.submit(item)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  });
});
