import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { merge } from './merge.ts';

/** Yields 0 to `count - 1` under its name, then fails if told to; waits for `gate` first. Notes that it has ended. */
async function* counter(
  name: string,
  count: number,
  { ended = [], gate, failure }: { ended?: string[]; gate?: Promise<void>; failure?: Error } = {},
): AsyncGenerator<string, void, undefined> {
  try {
    await gate;
    for (let i = 0; i < count; i++) yield `${name}${i}`;
    if (failure) throw failure;
  } finally {
    ended.push(name);
  }
}

/** Rejects when the signal is aborted. */
const abortedBy = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

describe('merge', () => {
  it('gives every value of every source, those of one in order', async () => {
    const all = await Array.fromAsync(merge(() => [counter('a', 3), counter('b', 0), counter('c', 2)]));
    expect(all.toSorted()).toEqual(['a0', 'a1', 'a2', 'c0', 'c1']);
    expect(all.filter((value) => value.startsWith('a'))).toEqual(['a0', 'a1', 'a2']);
  });

  it('does not wait for a slow source while another has something', async () => {
    const gate = Promise.withResolvers<void>();
    const merged = merge(() => [counter('a', 1, { gate: gate.promise }), counter('b', 2)]);
    expect([(await merged.next()).value, (await merged.next()).value]).toEqual(['b0', 'b1']);
    gate.resolve();
    expect((await merged.next()).value).toBe('a0');
  });

  it('asks a source for nothing before its last value has been taken', async () => {
    let asked = 0;
    const merged = merge(() => [
      (async function* () {
        for (;;) {
          asked += 1;
          yield asked;
        }
      })(),
    ]);
    await merged.next();
    await turn();
    expect(asked).toBe(1);
    await merged.return();
  });

  it('fails as the first source to fail does, and ends those that wait', async () => {
    const ended: string[] = [];
    const merged = merge((signal) => [
      counter('a', 1, { ended, gate: abortedBy(signal) }),
      counter('b', 1, { ended, failure: new Error('lost') }),
    ]);
    await expect(Array.fromAsync(merged)).rejects.toThrow('lost');
    expect(ended.toSorted()).toEqual(['a', 'b']);
  });

  it('ends all sources when the reader leaves', async () => {
    const ended: string[] = [];
    const merged = merge((signal) => [counter('a', 9, { ended, gate: abortedBy(signal) }), counter('b', 9, { ended })]);
    for await (const value of merged) if (value === 'b1') break;
    expect(ended.toSorted()).toEqual(['a', 'b']);
  });
});
