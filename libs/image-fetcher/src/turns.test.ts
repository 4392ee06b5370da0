import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

const setUp = (maxRunning: number, maxWaiting: number) => {
  const turns = new Turns({ maxRunning, maxWaiting });
  const begun: string[] = [];
  const take = async (group: string, signal = new AbortController().signal) => {
    const turn = await turns.take(group, signal);
    begun.push(group);
    return turn;
  };
  return { take, begun };
};

describe('Turns', () => {
  it('lets so many run and so many wait, and refuses more', async () => {
    const { take, begun } = setUp(2, 1);
    const running = [await take('a'), await take('a')];
    const waiting = take('a');
    await expect(take('b')).rejects.toMatchObject({ reason: 'overloaded' });
    expect(begun).toHaveLength(2);
    running[0]?.[Symbol.dispose]();
    await waiting;
    expect(begun).toHaveLength(3);
  });

  it('gives the next turn to the group with the fewest, then to who waits longest', async () => {
    const { take, begun } = setUp(2, 10);
    const running = [await take('many'), await take('many')];
    const waiting = ['many', 'many', 'few', 'other'].map((group) => take(group));
    running[0]?.[Symbol.dispose]();
    const few = await waiting[2];
    expect(begun.slice(2)).toEqual(['few']);
    running[1]?.[Symbol.dispose]();
    const many = await Promise.race(waiting.filter((_, i) => i !== 2));
    expect(begun.slice(3)).toEqual(['many']);
    few?.[Symbol.dispose]();
    await waiting[3];
    expect(begun.slice(4)).toEqual(['other']);
    many?.[Symbol.dispose]();
    await waiting[1];
    expect(begun).toHaveLength(6);
  });

  it('forgets who leaves while they wait', async () => {
    const { take, begun } = setUp(1, 1);
    const turn = await take('a');
    const controller = new AbortController();
    const left = take('b', controller.signal);
    controller.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    await expect(take('b', controller.signal)).rejects.toThrow('gone');
    const next = take('c');
    turn[Symbol.dispose]();
    await next;
    expect(begun).toEqual(['a', 'c']);
  });
});
