import { expect, it } from 'vitest';
import { atMostEvery } from './at-most-every.ts';

it('passes on the first call, and later ones when enough time has gone by', () => {
  let nowMs = 5;
  const passedOn: string[] = [];
  const tell = atMostEvery(
    10,
    () => nowMs,
    (text: string) => passedOn.push(text),
  );
  for (const atMs of [5, 6, 14, 15, 24, 40]) {
    nowMs = atMs;
    tell(`at ${atMs}`);
  }
  expect(passedOn).toEqual(['at 5', 'at 15', 'at 40']);
});
