import { expect, it } from 'vitest';
import { firstTokenMs, msPerToken, tokensPerSecond } from './figures.ts';
import { formatTable, type Measurement, ratios } from './report.ts';
import { alternate } from './rounds.ts';
import { spread } from './statistics.ts';

it('takes the mean of the middle two as the median of an even number', () => {
  expect(spread([4, 1, 3, 2])).toEqual({ min: 1, median: 2.5, max: 4, rounds: 4 });
  expect(spread([9, 1, 5])).toEqual({ min: 1, median: 5, max: 9, rounds: 3 });
});

const measurement = (contender: string, better: Measurement['better'], ...samples: number[]): Measurement => ({
  contender,
  metric: 'decode',
  better,
  samples,
});

it('compares round by round: above 1 means that ours is better, whichever way the metric points', () => {
  const lower = ratios(measurement('eidetic', 'lower', 1, 2), measurement('peer', 'lower', 2, 2));
  expect(lower).toEqual({ min: 1, median: 1.5, max: 2, rounds: 2 });
  const higher = ratios(measurement('eidetic', 'higher', 10, 10), measurement('peer', 'higher', 20, 5));
  expect(higher).toEqual({ min: 0.5, median: 1.25, max: 2, rounds: 2 });
});

it('prints ratios beside the peers and none beside ours', () => {
  const table = formatTable({
    name: 'decoder',
    title: 'Decoder',
    facts: { threads: 2 },
    measurements: [measurement('eidetic', 'lower', 2, 2), measurement('peer', 'lower', 5, 7)],
  });
  expect(table).toContain('- threads: 2');
  expect(table).toContain('| decode | eidetic | 2 | 2 to 2 | 2 |  |');
  expect(table).toContain('| decode | peer | 6 | 5 to 7 | 2 | 3x (2.5 to 3.5) |');
});

it('lets contenders take turns and leaves the first round out', async () => {
  const turns: string[] = [];
  const probe = (contender: string) => ({
    contender,
    metric: 'decode',
    better: 'lower' as const,
    measure: async (round: number) => {
      turns.push(`${contender}${round}`);
      return round;
    },
  });
  const [a, b] = await alternate([probe('a'), probe('b')], 2);
  expect(turns).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  expect([a?.samples, b?.samples]).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

it('counts tokens only while every generation runs', () => {
  const generation = {
    ids: [],
    arrivedMs: [
      [100, 110, 120, 130],
      [105, 115, 125, 235],
    ],
  };
  expect(firstTokenMs(generation)).toBe(100);
  expect(msPerToken(generation)).toBe(10);
  // From 105 to 130: 110, 120, 130 of the first and 115, 125 of the second.
  expect(tokensPerSecond(generation)).toBe(200);
});
