import { expect, it } from 'vitest';
import { BodyBudget } from './body-budget.ts';

it('lets bodies in up to the limit, and again when one has gone', () => {
  const budget = new BodyBudget(100);
  const release = budget.reserve(60);
  budget.reserve(40);
  expect(() => budget.reserve(1)).toThrow(expect.objectContaining({ code: 'overloaded' }));
  release();
  release();
  budget.reserve(60);
  expect(() => budget.reserve(1)).toThrow(/100/);
});

it('lets in a body that is alone, whatever its size', () => {
  const budget = new BodyBudget(100);
  const release = budget.reserve(500);
  expect(() => budget.reserve(1)).toThrow(/500/);
  release();
  budget.reserve(100);
});
