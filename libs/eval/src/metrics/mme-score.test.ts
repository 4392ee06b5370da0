import { describe, expect, it } from 'vitest';
import { type MmeSubtask, mmeScore } from './mme-score.ts';

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
});
