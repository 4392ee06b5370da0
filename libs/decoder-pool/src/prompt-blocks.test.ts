import type { PromptSegment } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { promptBlocks } from './prompt-blocks.ts';

const text = (...ids: number[]): PromptSegment => ({ kind: 'tokens', ids });
const image = (key: string): PromptSegment => ({ kind: 'image', key, tokens: 64 });

const ids = fc.array(fc.nat(20), { maxLength: 30 });
const segment = fc.oneof(
  ids.map((some) => text(...some)),
  fc.constantFrom('a', 'b').map(image),
);
const prompt = fc.array(segment, { maxLength: 5 });

describe('the blocks of a prompt', () => {
  it('are those of every prompt that goes on from it, whichever way its text is cut', () => {
    fc.assert(
      fc.property(prompt, ids, prompt, (beginning, more, rest) => {
        const blocks = promptBlocks(beginning);
        expect(promptBlocks([...beginning, text(...more), ...rest]).slice(0, blocks.length)).toEqual(blocks);
      }),
    );
  });

  it('differ from the first block on that differs', () => {
    const tokens = Array.from({ length: 40 }, (_, i) => i);
    const one = promptBlocks([text(...tokens)]);
    expect(one).toHaveLength(5);
    const other = promptBlocks([text(...tokens.with(17, 99))]);
    expect(other.map((block, i) => block === one[i])).toEqual([true, true, false, false, false]);
  });

  it('tell pictures apart by their keys, and from text', () => {
    const all = [[image('a')], [image('b')], [text(1), image('a')], [image('a'), image('a')]].map(promptBlocks);
    // The first and the last begin alike.
    expect(new Set(all.flat()).size).toBe(5);
  });
});
