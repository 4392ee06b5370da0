import { describe, expect, it } from 'vitest';
import { multipleChoice } from './multiple-choice.ts';

describe('multipleChoice', () => {
  it('reads the first letter, in either case', () => {
    const outputs = ['B', 'b.', ' B. a dog', 'A', '(B)', 'The answer is B', ''];
    const { score, perItem } = multipleChoice(outputs.map((output) => ({ output, wanted: 'B' })));
    expect(perItem).toEqual([1, 1, 1, 0, 0, 0, 0]);
    expect(score).toBeCloseTo(3 / 7, 12);
  });
});
