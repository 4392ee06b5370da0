import { describe, expect, it } from 'vitest';
import { Autoscaler, type ScalingOptions } from './autoscaler.ts';

const OPTIONS: ScalingOptions = {
  minReplicas: 1,
  maxReplicas: 20,
  up: { percent: 100, pods: 2 },
  down: { windowMs: 60_000, podsPerMinute: 1 },
};

/** Looks every 15 s at one metric with target 1; what it comes to each time. */
const play = (options: ScalingOptions, from: number, sums: readonly number[]): readonly number[] => {
  const autoscaler = new Autoscaler(options);
  let replicas = from;
  return sums.map((sum, i) => {
    replicas = autoscaler.look(15_000 * (i + 1), replicas, [{ sum, target: 1 }]);
    return replicas;
  });
};

describe('an autoscaler', () => {
  it('leaves alone what is within a tenth of the target', () => {
    expect(play(OPTIONS, 10, [10.9, 9.1])).toEqual([10, 10]);
    expect(play(OPTIONS, 10, [11.2])).toEqual([12]);
  });

  it('takes the metric that wants most', () => {
    const autoscaler = new Autoscaler(OPTIONS);
    const metrics = [
      { sum: 3, target: 1 },
      { sum: 9, target: 2 },
    ];
    expect(autoscaler.look(15_000, 4, metrics)).toBe(5);
  });

  it('at most doubles in 30 s, or adds two', () => {
    expect(play(OPTIONS, 1, [20, 20, 20, 20])).toEqual([3, 3, 6, 6]);
    expect(play(OPTIONS, 4, [20, 20, 20, 20, 20])).toEqual([8, 8, 16, 16, 20]);
  });

  it('goes down by one a minute, once fewer were enough for the window', () => {
    expect(play(OPTIONS, 4, [4, 1, 1, 1, 1, 1, 1, 1, 1, 1])).toEqual([4, 4, 4, 4, 3, 3, 3, 3, 2, 2]);
  });

  it('stays up if one look within the window wanted it', () => {
    expect(play(OPTIONS, 4, [1, 4, 1, 1, 1])).toEqual([4, 4, 4, 4, 4]);
    expect(play(OPTIONS, 4, [4, 1, 1, 4, 1, 1, 1])).toEqual([4, 4, 4, 4, 4, 4, 4]);
  });

  it('keeps to its bounds', () => {
    expect(play({ ...OPTIONS, maxReplicas: 5 }, 4, [100])).toEqual([5]);
    expect(play({ ...OPTIONS, minReplicas: 2 }, 2, [0, 0, 0, 0, 0, 0])).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it('goes to none after five minutes without work, and comes back with the first', () => {
    const idle = Array.from({ length: 21 }, () => 0);
    const course = play({ ...OPTIONS, minReplicas: 0 }, 1, [1, ...idle, 0.1]);
    expect(course.indexOf(0)).toBe(20);
    expect(course.at(-1)).toBe(1);
  });
});
