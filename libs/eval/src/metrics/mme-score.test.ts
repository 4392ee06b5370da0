import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MME_SUBTASKS, type MmeSubtask, mmeScore } from './mme-score.ts';

const item = (subtask: MmeSubtask, image: string, answer: 'yes' | 'no', output: string) => ({
  output,
  wanted: { subtask, image, answer },
});

describe('mmeScore', () => {
  it('adds the accuracy of answers and that of pictures, over all subtasks', () => {
    const { score, perItem, parts } = mmeScore([
      item('count', '1.jpg', 'yes', 'Yes, there are.'),
      item('count', '1.jpg', 'no', 'No.'),
      item('count', '2.jpg', 'yes', 'no'),
      item('count', '2.jpg', 'no', 'I think no'),
      item('code_reasoning', '1.jpg', 'yes', 'yes'),
      item('code_reasoning', '1.jpg', 'no', 'no'),
    ]);
    expect(perItem).toEqual([1, 1, 0, 0, 1, 1]);
    expect(parts).toEqual({ count: 100, code_reasoning: 200, perception: 100, cognition: 200 });
    expect(score).toBe(300);
  });

  it('names a picture without its two questions', () => {
    expect(() => mmeScore([item('OCR', '7.jpg', 'yes', 'yes')])).toThrow(/OCR has 1 about 7.jpg/);
  });

  it('does not mind the order of the items, and has up to 200 points for a subtask', () => {
    const pair = fc.record({
      subtask: fc.constantFrom(...MME_SUBTASKS.perception, ...MME_SUBTASKS.cognition),
      image: fc.nat(1000).map(String),
      outputs: fc.tuple(fc.constantFrom('Yes', 'No', '?'), fc.constantFrom('Yes', 'No', '?')),
    });
    const pairs = fc.uniqueArray(pair, { minLength: 1, selector: ({ subtask, image }) => `${subtask} ${image}` });
    fc.assert(
      fc.property(pairs, (chosen) => {
        const items = chosen.flatMap(({ subtask, image, outputs: [first, second] }) => [
          item(subtask, image, 'yes', first),
          item(subtask, image, 'no', second),
        ]);
        const { score, parts } = mmeScore(items);
        expect(mmeScore(items.toReversed()).score).toBeCloseTo(score, 9);
        const subtasks = new Set(chosen.map(({ subtask }) => subtask));
        for (const subtask of subtasks) expect(parts?.[subtask]).toBeLessThanOrEqual(200);
        expect(score).toBeLessThanOrEqual(200 * subtasks.size);
      }),
    );
  });

  it.each([
    ['YES!', 1],
    ['Yes, it is.', 1],
    ['It is: yes', 0],
    ['Nope', 0],
    ['', 0],
  ])('reads the first four letters of %j only', (output, right) => {
    expect(mmeScore([item('OCR', '1', 'yes', output), item('OCR', '1', 'no', 'no')]).perItem[0]).toBe(right);
  });
});
