import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { vocabularyOf } from './vocabulary.ts';

const ranks = readFileSync(new URL('../../../models/qwen-vl-nano-chat/qwen.tiktoken', import.meta.url));
const ordinary = ranks.toString('latin1').trimEnd().split('\n').length;
const manifest = { decoder: { vocab: 4352 } } as Parameters<typeof vocabularyOf>[0];

test('gives every ordinary token its bytes, parts of characters as they are', () => {
  const vocabulary = vocabularyOf(manifest, ranks);
  expect(vocabulary.vocab).toBe(4352);
  const lines = ranks.toString('latin1').split('\n');
  for (const id of [0, 200, 255, 1000, ordinary - 1]) {
    expect(Buffer.from(vocabulary.bytes(id)).toString('base64')).toBe(lines[id]?.split(' ')[0]);
  }
});

test('gives special tokens, tags of regions and padding no bytes', () => {
  const vocabulary = vocabularyOf(manifest, ranks);
  for (let id = ordinary; id < 4352; id++) expect(vocabulary.bytes(id)).toHaveLength(0);
});
