import { expect, it } from 'vitest';
import { readyTogether } from './ready-together.ts';

it('yields what has come since the last group, in order', async () => {
  const pause = Promise.withResolvers<void>();
  async function* source() {
    yield 1;
    yield 2;
    await pause.promise;
    yield 3;
    yield 4;
  }
  const groups = readyTogether(source(), 0);
  const items: number[] = [];
  while (items.length < 2) items.push(...((await groups.next()).value ?? []));
  pause.resolve();
  // Nobody asks for them while they come.
  await new Promise(setImmediate);
  expect(items).toEqual([1, 2]);
  expect(await groups.next()).toEqual({ done: false, value: [3, 4] });
  expect(await groups.next()).toEqual({ done: true, value: undefined });
});

it('lets items gather between two groups, but not when the source has ended', async () => {
  async function* source() {
    for (let i = 0; i < 5; i++) {
      yield i;
      await new Promise(setImmediate);
    }
  }
  const groups = readyTogether(source(), 3_600_000);
  expect((await groups.next()).value).toEqual([0]);
  expect((await groups.next()).value).toEqual([1, 2, 3, 4]);
  expect((await groups.next()).done).toBe(true);
});

it('yields what came before a failure, then fails', async () => {
  async function* source() {
    yield 1;
    throw new Error('lost');
  }
  const groups = readyTogether(source(), 0);
  expect((await groups.next()).value).toEqual([1]);
  await expect(groups.next()).rejects.toThrow('lost');
});

it('ends the source when it is left', async () => {
  const ended = Promise.withResolvers<void>();
  async function* source() {
    try {
      for (let i = 0; ; i++) {
        yield i;
        await new Promise(setImmediate);
      }
    } finally {
      ended.resolve();
    }
  }
  for await (const [first] of readyTogether(source(), 0)) {
    expect(first).toBe(0);
    break;
  }
  await ended.promise;
});
