import { expect, it } from 'vitest';
import { progressLine } from './progress.ts';

it('tells rate and remaining time by what this run has done', () => {
  const progress = { done: 150, total: 1150, kept: 50, failed: 0 };
  expect(progressLine(progress, 50_000)).toBe('150 of 1150 questions, 2.0/s, 9 min left');
  expect(progressLine({ ...progress, failed: 3 }, 50_000)).toBe('150 of 1150 questions, 3 failed, 2.0/s, 9 min left');
  expect(progressLine({ ...progress, total: 160 }, 50_000)).toMatch(/, 5 s left$/);
  expect(progressLine({ ...progress, total: 20_000 }, 50_000)).toMatch(/, 2 h 46 min left$/);
});

it('promises nothing before the first answer of this run', () => {
  expect(progressLine({ done: 50, total: 100, kept: 50, failed: 0 }, 1000)).toBe('50 of 100 questions');
});
