import { expect, it } from 'vitest';
import { MeanStay } from './mean-stay.ts';

it('expects a place to be free in the share of a stay, the newest counting most', () => {
  const stay = new MeanStay();
  expect(stay.hint(4)).toEqual({});
  stay.ended(8000);
  expect(stay.hint(4)).toEqual({ retryAfterMs: 2000 });
  for (let i = 0; i < 100; i++) stay.ended(400);
  expect(stay.hint(4)).toEqual({ retryAfterMs: 101 });
});
