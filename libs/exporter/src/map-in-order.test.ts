import { expect, it } from 'vitest';
import { mapInOrder } from './map-in-order.ts';

/** A job for each item that ends when it is told to. */
const jobs = () => {
  const ends = new Map<number, (result: string) => void>();
  const map = (item: number): Promise<string> => new Promise((resolve) => ends.set(item, resolve));
  return { map, ends };
};

it('gives results in the order of the items, whichever ends first', async () => {
  const { map, ends } = jobs();
  const results = mapInOrder([0, 1], 2, map);
  const first = results.next();
  await new Promise(setImmediate);
  ends.get(1)?.('one');
  ends.get(0)?.('zero');
  expect([await first, await results.next()]).toMatchObject([{ value: 'zero' }, { value: 'one' }]);
});

it('starts no more than it may at once', async () => {
  const { map, ends } = jobs();
  const results = mapInOrder([0, 1, 2], 2, map);
  const first = results.next();
  await new Promise(setImmediate);
  expect([...ends.keys()]).toEqual([0, 1]);
  ends.get(0)?.('zero');
  await first;
  const second = results.next();
  await new Promise(setImmediate);
  expect([...ends.keys()]).toEqual([0, 1, 2]);
  for (const end of ends.values()) end('done');
  await second;
});

it('waits for what is under way before it passes a failure on', async () => {
  let ended = false;
  const map = async (item: number): Promise<void> => {
    if (item === 0) throw new Error('first');
    await new Promise(setImmediate);
    ended = true;
  };
  await expect(Array.fromAsync(mapInOrder([0, 1], 2, map))).rejects.toThrow('first');
  expect(ended).toBe(true);
});
