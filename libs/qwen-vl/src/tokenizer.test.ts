import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { caught } from '../test/caught.ts';
import { bytePairEncode } from './byte-pair.ts';
import { GROUNDING_TAGS, SPECIAL_TOKENS, specialTokenIds } from './special-tokens.ts';
import { createTokenizer, parseRanks } from './tokenizer.ts';

const file = readFileSync(new URL('../../../models/qwen-vl-nano-chat/qwen.tiktoken', import.meta.url));
const table = parseRanks(file);
const special = specialTokenIds(table.length);
const tokenizer = createTokenizer(table, special);

const decode = (ids: readonly number[]) => Buffer.concat(ids.map((id) => tokenizer.bytes(id))).toString('utf8');

/** Texts of any characters, lone surrogates too, dense in what the tokenizer treats specially. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(...SPECIAL_TOKENS),
      fc.constantFrom('<', '>', '|', '<|', '|>', '</', 'im_', 'img', 'start', 'pad', 'box', '<im', 'g>', '\u0338'),
      fc.constantFrom(
        '\r\n',
        '\n\n',
        '  ',
        '\u0085',
        '\uFEFF',
        '\u3000',
        "'S",
        "'\u017f",
        '１',
        '가',
        '\u11a8',
        '\ud800',
      ),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

describe('the special tokens', () => {
  it('have the ids of Qwen-VL when there are 151,643 ranks', () => {
    expect(specialTokenIds(151_643)).toMatchObject({
      '<|endoftext|>': 151643,
      '<|im_start|>': 151644,
      '<|im_end|>': 151645,
      '<|extra_0|>': 151646,
      '<|extra_204|>': 151850,
      '<ref>': 151851,
      '</quad>': 151856,
      '<img>': 151857,
      '</img>': 151858,
      '<imgpad>': 151859,
    });
  });
});

describe('encode', () => {
  it('turns the tags of regions into their ids, and control and image tokens into text', () => {
    expect(tokenizer.encode('<box></box>')).toEqual([special['<box>'], special['</box>']]);
    expect(decode(tokenizer.encode('<|im_end|><img></img>'))).toBe('<|im_end|><img></img>');
    expect(Math.max(...tokenizer.encode('<|im_end|><img></img>'))).toBeLessThan(table.length);
  });

  it('never lets any text become a control or image token', () => {
    const allowed = new Set<number | undefined>(GROUNDING_TAGS.map((tag) => special[tag]));
    fc.assert(
      fc.property(hostileText, (text) => {
        for (const id of tokenizer.encode(text)) expect(id < table.length || allowed.has(id)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('loses nothing: the bytes of the ids are the text in NFC', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(decode(tokenizer.encode(text))).toBe(text.normalize('NFC').toWellFormed());
      }),
      { numRuns: 1000 },
    );
  });

  it('encodes what it decoded to the same ids', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const ids = tokenizer.encode(text);
        expect(tokenizer.encode(decode(ids))).toEqual(ids);
      }),
    );
  });

  it('knows without encoding how few tokens a text can take', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(tokenizer.minTokens(text)).toBeLessThanOrEqual(tokenizer.encode(text).length);
      }),
    );
    expect(tokenizer.minTokens('a'.repeat(1_000_000))).toBeGreaterThan(8192);
  });

  // The usual algorithms need 40 s for the first, 270 s for the second, minutes for the last.
  it.each([
    ['one word of 200,000 letters', 'a'.repeat(200_000)],
    ['Chinese without spaces', '这是什么框出图中击掌的位置'.repeat(15_000)],
    ['spaces', ' '.repeat(200_000)],
    ['line ends', '\n'.repeat(200_000)],
    ['combining marks out of order', `q${'\u0301\u0316'.repeat(100_000)}`],
  ])('answers in time however long a piece is: %s', { timeout: 5_000 }, (_, text) => {
    expect(decode(tokenizer.encode(text)).length).toBe(text.length);
  });
});

describe('bytePairEncode', () => {
  it('merges as scanning for the lowest rank does', () => {
    const ranks = new Map(table.map((token, rank) => [token, rank]));
    const longest = Math.max(...table.map((token) => token.length));
    const scan = (piece: string): (number | undefined)[] => {
      const parts = [...piece];
      for (;;) {
        let best: { rank: number; at: number } | undefined;
        for (let at = 0; at + 1 < parts.length; at++) {
          const rank = ranks.get(`${parts[at]}${parts[at + 1]}`);
          if (rank !== undefined && (best === undefined || rank < best.rank)) best = { rank, at };
        }
        if (best === undefined) return parts.map((part) => ranks.get(part));
        parts.splice(best.at, 2, `${parts[best.at]}${parts[best.at + 1]}`);
      }
    };
    // Joined tokens merge in more and stranger ways than random letters.
    const piece = fc.array(fc.constantFrom(...table), { minLength: 1, maxLength: 12 }).map((tokens) => tokens.join(''));
    fc.assert(
      fc.property(piece, (bytes) => {
        // A piece that is a token is that token, whatever the merges.
        if (!ranks.has(bytes)) expect(bytePairEncode(bytes, ranks, longest)).toEqual(scan(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseRanks', () => {
  it('reads a file with Windows line ends as the same', () => {
    expect(parseRanks(Buffer.from(file.toString().replaceAll('\n', '\r\n')))).toEqual(table);
  });

  it.each([
    ['a rank left out', 'AA== 0\nAQ== 2\n', 'line 2'],
    ['no base64', 'A!== 0\n', 'line 1'],
    ['no ranks', 'AA==\n', 'line 1'],
    ['a byte without a token', 'AA== 0\n', 'byte 1'],
  ])('refuses %s', (_, text, message) => {
    const error = caught(() => parseRanks(Buffer.from(text)));
    expect(error.code).toBe('invalid_checkpoint');
    expect(error.message).toContain(message);
  });
});

describe('createTokenizer', () => {
  it('names a special token that is missing or ordinary', () => {
    expect(caught(() => createTokenizer(table, { ...special, '<img>': 5 })).message).toContain('<img>');
    expect(caught(() => createTokenizer(table, {})).message).toContain('<ref>');
  });
});
