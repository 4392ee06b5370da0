import { expect, it } from 'vitest';
import { progressLine, progressReporter } from './progress.ts';

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

it('shows every step at a terminal, and says one a minute in a log', () => {
  const lines = (isTerminal: boolean) => {
    let now = 0;
    const said: string[] = [];
    const push = (line: string) => said.push(line);
    const report = progressReporter({ isTerminal, show: push, say: push, now: () => now });
    for (let done = 0; done <= 8; done++) {
      now = done * 20_000;
      report({ done, total: 8, kept: 0, failed: 0 });
    }
    return said.map((line) => line.slice(0, 1)).join('');
  };
  expect(lines(true)).toBe('012345678');
  expect(lines(false)).toBe('36');
});
