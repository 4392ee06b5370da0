import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Absence } from './absence.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('is too long once patience ends, counted from its beginning, and says so once', () => {
  const onTooLong = vi.fn();
  const absence = new Absence(100, onTooLong);
  absence.began();
  vi.advanceTimersByTime(99);
  absence.began();
  expect(absence.tooLong).toBe(false);
  vi.advanceTimersByTime(1);
  absence.began();
  vi.advanceTimersByTime(1000);
  expect(absence.tooLong).toBe(true);
  expect(onTooLong).toHaveBeenCalledTimes(1);
});

it('is over when the server answers, and begins anew', () => {
  const onTooLong = vi.fn();
  const absence = new Absence(100, onTooLong);
  absence.began();
  vi.advanceTimersByTime(99);
  absence.ended();
  vi.advanceTimersByTime(1000);
  expect([absence.tooLong, onTooLong.mock.calls]).toEqual([false, []]);
  absence.began();
  vi.advanceTimersByTime(100);
  expect(absence.tooLong).toBe(true);
  absence.ended();
  expect(absence.tooLong).toBe(false);
});
