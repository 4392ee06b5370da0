import { describe, expect, it } from 'vitest';
import { EXAMPLES, QUESTIONS } from '../dialog/examples.ts';
import { EN } from './en.ts';
import { textIn } from './text.ts';
import { ZH } from './zh.ts';

const placeholders = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();
const keys = Object.keys(EN) as (keyof typeof EN)[];

describe('texts', () => {
  it('are the same in every language, none of them empty', () => {
    expect(Object.keys(ZH).sort()).toEqual([...keys].sort());
    expect(keys.filter((key) => EN[key].trim() === '' || ZH[key].trim() === '')).toEqual([]);
  });

  it('take the same values in every language', () => {
    expect(keys.map((key) => placeholders(ZH[key]))).toEqual(keys.map((key) => placeholders(EN[key])));
  });

  it('are filled in with values', () => {
    expect(textIn('en')('cachedTokens', { k: 3, n: 9 })).toBe('3 of 9 prompt tokens reused');
    expect(textIn('zh')('cachedTokens', { k: 3, n: 9 })).toBe('提示 9 个词元中复用 3 个');
  });
});

describe('suggestions', () => {
  it('are there for every example in every language', () => {
    for (const { questions } of [...EXAMPLES, { questions: QUESTIONS }]) {
      expect(questions.zh.length).toBe(questions.en.length);
      expect(questions.en.length).toBeGreaterThan(2);
    }
  });
});
