import { readFileSync } from 'node:fs';
import { EideticError } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { createQwenVlFamily } from './family.ts';
import { specialTokenIds } from './special-tokens.ts';

const ranks = readFileSync(new URL('../../../models/qwen-vl-nano-chat/qwen.tiktoken', import.meta.url));
const manifest = (rows: number, chatFormat: 'chatml' | 'raw' = 'chatml') => ({
  tokenizer: { file: 'qwen.tiktoken', special: specialTokenIds(4096) },
  embeddings: { file: 'embeddings.bin', dtype: 'float16' as const, rows, hidden: 320 },
  generation: {
    chatFormat,
    stopTokenIds: [4098, 4097, 4096],
    maxNewTokens: 512,
    temperature: 0,
    topP: 1,
    topK: 0,
    repetitionPenalty: 1,
  },
});

describe('the family', () => {
  it('writes what it reads: an answer sent back as history is what the model wrote', () => {
    const family = createQwenVlFamily(manifest(4352, 'raw'), ranks);
    const detokenizer = family.createDetokenizer();
    const ids = [
      4304, 1106, 2819, 1522, 4305, 4306, 40, 50, 48, 57, 44, 50, 54, 444, 57, 48, 54, 44, 55, 55, 50, 41, 4307,
    ];
    const text = ids.map((id) => detokenizer.push(id)).join('');
    expect(text).toBe('<ref>the steam train</ref><box>(209,26),(906,772)</box>');
    expect(family.buildPrompt([{ role: 'user', content: [{ kind: 'text', text }] }]).segments).toEqual([
      { kind: 'tokens', ids },
    ]);
  });

  it('ends the answers of base models before the next question', () => {
    expect(createQwenVlFamily(manifest(4352, 'raw'), ranks).stop).toEqual(['Human:']);
    expect(createQwenVlFamily(manifest(4352), ranks)).toMatchObject({ stop: [], stopTokenIds: [4098, 4097, 4096] });
  });

  it('describes a token by its bytes and by a text that can be read', () => {
    const family = createQwenVlFamily(manifest(4352), ranks);
    expect(family.vocabulary).toBe(4352);
    const shown = [1106, 4304, 4098, 4100, 4350].map((id) => family.describeToken(id));
    expect(shown.map(({ text }) => text)).toEqual(['the', '<ref>', '<|im_end|>', '<|extra_1|>', '<|4350|>']);
    expect(shown.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['the', '<ref>', '', '', '']);
    const all = Array.from({ length: 4096 }, (_, id) => family.describeToken(id));
    expect(all.find(({ bytes }) => bytes.length === 1 && bytes[0] === 0xe7)?.text).toBe('\uFFFD');
  });

  it('refuses a manifest with fewer embeddings than tokens', () => {
    expect(() => createQwenVlFamily(manifest(4096), ranks)).toThrow(EideticError);
  });
});
