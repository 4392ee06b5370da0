import type { PromptSegment } from '@eidetic/core';
import { type Hash, hashNumbers, hashText } from './hash.ts';

/** Positions of text in a block: a question is hardly shorter, and the map of known blocks stays small. */
const BLOCK = 8;

/**
 * A prompt as hashes of its beginnings: one for each block of text, one for each picture. Two prompts that begin alike have the
 * same hashes up to the block in which they differ. The rest of a text that fills no block counts only before a picture: at the
 * end of a prompt, the next turn goes on there.
 */
export const promptBlocks = (prompt: readonly PromptSegment[]): readonly Hash[] => {
  const blocks: Hash[] = [];
  let last: Hash = 0;
  const add = (numbers: readonly number[]): void => {
    last = hashNumbers(last, numbers);
    blocks.push(last);
  };
  let text: number[] = [];
  for (const segment of prompt) {
    if (segment.kind === 'tokens') {
      for (const id of segment.ids) text.push(id);
      continue;
    }
    for (let from = 0; from < text.length; from += BLOCK) add(text.slice(from, from + BLOCK));
    text = [];
    add([hashText(segment.key), segment.tokens]);
  }
  for (let from = 0; from + BLOCK <= text.length; from += BLOCK) add(text.slice(from, from + BLOCK));
  return blocks;
};
