import { type GenerateEvent, type GenerateRequest, GREEDY } from '@eidetic/core';
import { expect, it } from 'vitest';
import { AnswerSoFar } from './answer-so-far.ts';

const request: GenerateRequest = {
  requestId: 'r',
  prompt: [{ kind: 'tokens', ids: [1] }],
  sampling: GREEDY,
  maxTokens: 4,
  stopTokenIds: [],
};
const prefilled: GenerateEvent = { kind: 'prefilled', promptTokens: 1, cachedTokens: 0 };
const token = (id: number): GenerateEvent => ({ kind: 'token', id });

it('asks for the rest with what is there, that of an earlier caller included', () => {
  const answer = new AnswerSoFar({ ...request, answered: [9] });
  expect(answer.rest).toEqual({ ...request, answered: [9] });
  expect([prefilled, token(5), token(6)].map((event) => answer.take(event))).toEqual([true, true, true]);
  expect(answer.rest).toEqual({ ...request, answered: [9, 5, 6] });
  expect(answer.tokens).toBe(2);
});

it('tells the caller once that the prompt is computed', () => {
  const answer = new AnswerSoFar(request);
  expect([prefilled, token(5), prefilled, token(6)].map((event) => answer.take(event))).toEqual([
    true,
    true,
    false,
    true,
  ]);
});

it('knows its end when there is nothing left to generate', () => {
  const answer = new AnswerSoFar({ ...request, answered: [9] });
  expect(answer.end).toBeUndefined();
  for (const id of [5, 6]) answer.take(token(id));
  expect(answer.end).toBeUndefined();
  answer.take(token(7));
  expect(answer.end).toEqual({ kind: 'finished', reason: 'length', completionTokens: 4 });
});
