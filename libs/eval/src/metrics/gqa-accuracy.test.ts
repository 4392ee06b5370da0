import { describe, expect, it } from 'vitest';
import { gqaAccuracy } from './gqa-accuracy.ts';

describe('gqaAccuracy', () => {
  it.each([
    ['It is a dog.', 'dog'],
    ['Yes, it is.', 'yes'],
    ['The man is on the left of the car.', 'left'],
    ['They are birds!', 'birds'],
    ['blue', 'Blue'],
  ])('finds the short answer in %j', (output, answer) => {
    expect(gqaAccuracy([{ output, wanted: [answer] }]).score).toBe(1);
  });

  it('does not take a longer answer for a right one', () => {
    expect(gqaAccuracy([{ output: 'a big dog', wanted: ['dog'] }]).score).toBe(0);
  });
});
