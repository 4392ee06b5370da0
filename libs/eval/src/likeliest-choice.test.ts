import { expect, it } from 'vitest';
import { likeliestChoice } from './likeliest-choice.ts';

it('takes the likeliest of the choices, whatever else is likelier', () => {
  const tokens = [
    [' The', -0.1],
    [' B', -2],
    [' C', -1],
    ['A', -0.5],
  ] as const;
  expect(likeliestChoice(['A', 'B', 'C', 'D'], tokens)).toBe('C');
});

it('says nothing where no choice is among the likeliest tokens', () => {
  expect(likeliestChoice(['A', 'B'], [[' The', -0.1]])).toBeUndefined();
  expect(likeliestChoice([], [[' A', -0.1]])).toBeUndefined();
});
