import { expect, it } from 'vitest';
import { paceText } from './pace-text.ts';

const MIB = 2 ** 20;
const progress = (done: number, earlier = 0) =>
  ({ part: 'decoder', doneBytes: done * MIB, totalBytes: 1000 * MIB, earlierBytes: earlier * MIB }) as const;

it.each([
  [progress(100), 2, '50 MiB/s, 18 s left'],
  [progress(100), 20, '5 MiB/s, 3 min left'],
  [progress(1000), 20, '50 MiB/s, 0 s left'],
])('tells rate and remaining time of %j after %d s', (at, seconds, text) => {
  expect(paceText(at, seconds)).toBe(text);
});

it('does not count what was there from an earlier attempt', () => {
  expect(paceText(progress(600, 500), 10)).toBe('10 MiB/s, 40 s left');
});

it('says nothing before it knows', () => {
  expect(paceText(progress(0), 1)).toBe('');
  expect(paceText(progress(500, 500), 1)).toBe('');
  expect(paceText(progress(509, 500), 1)).toBe('');
  expect(paceText(progress(100), 0)).toBe('');
});
