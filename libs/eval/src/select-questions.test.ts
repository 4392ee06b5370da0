import { expect, it } from 'vitest';
import type { EvalQuestion } from './question.ts';
import { selectQuestions } from './select-questions.ts';

const question = (id: string, unit?: string): EvalQuestion => ({
  id,
  messages: [],
  ...(unit !== undefined && { unit }),
});
const idsOf = (questions: readonly EvalQuestion[]) => questions.map(({ id }) => id).join('');

it('takes the first ones, and whole units', () => {
  const questions = [question('a', 'x'), question('b'), question('c', 'x'), question('d', 'y'), question('e', 'y')];
  expect(idsOf(selectQuestions(questions, { limit: 1 }))).toBe('ac');
  expect(idsOf(selectQuestions(questions, { limit: 3 }))).toBe('acb');
  expect(idsOf(selectQuestions(questions, {}))).toBe('acbde');
});

it('mixes units by the numbers that it is given, and loses none', () => {
  const questions = Array.from('abcdefgh', (id) => question(id));
  const numbers = [0.1, 0.9, 0.4, 0.7, 0.2, 0.6, 0.3];
  const mix = () => {
    const left = [...numbers];
    return idsOf(selectQuestions(questions, { random: () => left.shift() ?? 0 }));
  };
  expect(mix()).not.toBe('abcdefgh');
  expect([...mix()].sort().join('')).toBe('abcdefgh');
  expect(mix()).toBe(mix());
});
