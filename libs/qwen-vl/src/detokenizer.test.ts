import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetokenizer } from './detokenizer.ts';
import { specialTokenIds } from './special-tokens.ts';
import { createTokenizer, parseRanks } from './tokenizer.ts';

const table = parseRanks(readFileSync(new URL('../../../models/qwen-vl-nano-chat/qwen.tiktoken', import.meta.url)));
const special = specialTokenIds(table.length);
const tokenizer = createTokenizer(table, special);

const pieces = (ids: readonly number[]) => {
  const detokenizer = createDetokenizer(tokenizer);
  return [...ids.map((id) => detokenizer.push(id)), detokenizer.end()];
};
/** Ids of the single bytes of a text: the least convenient tokens. */
const byteIds = (text: string) => [...Buffer.from(text)].map((byte) => table.indexOf(String.fromCharCode(byte)));

describe('the detokenizer', () => {
  it('gives what decoding all ids at once gives, whatever the ids', () => {
    const id = fc.oneof(fc.nat(table.length - 1), fc.nat(300), fc.nat(table.length + 300));
    fc.assert(
      fc.property(fc.array(id), (ids) => {
        const bytes = Buffer.concat(ids.map((each) => tokenizer.bytes(each)));
        expect(pieces(ids).join('')).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('holds a character back until it is complete', () => {
    expect(pieces(byteIds('a狗🐕'))).toEqual(['a', '', '', '狗', '', '', '', '🐕', '']);
  });

  it('keeps a byte order mark at the beginning', () => {
    expect(pieces(byteIds('\uFEFFa')).join('')).toBe('\uFEFFa');
  });

  it('ends with U+FFFD when the last character is incomplete', () => {
    expect(pieces(byteIds('狗').slice(0, 2))).toEqual(['', '', '\uFFFD']);
  });

  it('keeps the tags of regions and drops control tokens and unknown ids', () => {
    const ids = ['<ref>', '<|im_start|>', '<img>', '</ref>'].map((name) => special[name] ?? -1);
    expect(pieces([...ids, 999_999]).join('')).toBe('<ref></ref>');
  });
});
