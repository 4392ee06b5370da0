import { EideticError } from '@eidetic/core';
import { bytePairEncode } from './byte-pair.ts';
import { CONTROL_TOKENS, GROUNDING_TAGS, type SpecialToken } from './special-tokens.ts';

/** Text to token ids, and token ids to bytes. */
export interface Tokenizer {
  /** Id of a special token. */
  id(token: SpecialToken): number;
  /**
   * Encodes text of any origin. `<ref>`, `<box>`, `<quad>` and their closing tags become their ids, so that an answer
   * sent back as history is what the model wrote, and a question can point at a region. No other special id can come
   * out: text can never become a control or image token, whatever it spells.
   *
   * The text is brought to Unicode NFC first; lone surrogates become U+FFFD.
   */
  encode(text: string): number[];
  /** UTF-8 bytes that an id stands for (possibly a part of a character); empty for control tokens and unknown ids. */
  bytes(id: number): Uint8Array;
  /** Fewest tokens that a text can take: as many as the longest token would, repeated. */
  minTokens(text: string): number;
}

/** Byte strings by rank, as {@link parseRanks} reads them. */
export type TokenTable = readonly string[];

/**
 * Qwen's split pattern (`tokenization_qwen.py`). JavaScript's `\s` differs from the original's in U+0085 and U+FEFF,
 * hence `White_Space`.
 */
const PIECES = new RegExp(
  [
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
    String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`,
    String.raw`\p{N}`,
    String.raw` ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*`,
    String.raw`\p{White_Space}*[\r\n]+`,
    String.raw`\p{White_Space}+(?!\P{White_Space})`,
    String.raw`\p{White_Space}+`,
  ].join('|'),
  'gu',
);

const TAGS = new RegExp(`(${GROUNDING_TAGS.join('|')})`);

/**
 * Reads a tiktoken file: lines of `base64 rank`.
 *
 * @throws EideticError `invalid_checkpoint`, naming the line; also when a rank or a single byte is missing.
 */
export function parseRanks(file: Uint8Array): TokenTable {
  const table: string[] = [];
  const lines = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1').split('\n');
  for (const [index, line] of lines.entries()) {
    if (line === '' || line === '\r') continue;
    const match = /^([A-Za-z0-9+/]+={0,2}) (\d+)\r?$/.exec(line);
    const rank = Number(match?.[2]);
    if (match?.[1] === undefined || rank !== table.length) {
      throw new EideticError(
        'invalid_checkpoint',
        `The tokenizer file is damaged: line ${index + 1} is not a base64 token and rank ${table.length}.`,
      );
    }
    table.push(Buffer.from(match[1], 'base64').toString('latin1'));
  }
  const known = new Set(table);
  for (let byte = 0; byte < 256; byte++) {
    if (known.has(String.fromCharCode(byte))) continue;
    throw new EideticError('invalid_checkpoint', `The tokenizer file has no token for the single byte ${byte}.`);
  }
  return table;
}

/**
 * A byte pair tokenizer of the family.
 *
 * @param special Name to id of every special token, see `specialTokenIds`.
 * @throws EideticError `invalid_checkpoint` when a special token that the family needs is missing or has an ordinary id.
 */
export function createTokenizer(table: TokenTable, special: Readonly<Record<string, number>>): Tokenizer {
  const ids = new Map<string, number>();
  for (const name of [...GROUNDING_TAGS, ...CONTROL_TOKENS]) {
    const id = special[name];
    if (id === undefined || id < table.length) {
      throw new EideticError(
        'invalid_checkpoint',
        `The special token ${name} has ${id === undefined ? 'no id' : `id ${id}, which is an ordinary token`}.`,
      );
    }
    ids.set(name, id);
  }
  const ranks = new Map(table.map((token, rank) => [token, rank]));
  const longest = [...table, ...GROUNDING_TAGS].reduce((most, token) => Math.max(most, token.length), 0);
  const tagNames = new Map<number, string>(GROUNDING_TAGS.map((name) => [ids.get(name) ?? -1, name]));

  return {
    minTokens: (text) => Math.ceil(Buffer.byteLength(toNfc(text)) / longest),
    id: (token) => ids.get(token) ?? -1,
    encode(text) {
      const out: number[] = [];
      // Splitting at a captured pattern leaves the tags at odd places.
      for (const [index, part] of toNfc(text).split(TAGS).entries()) {
        if (index % 2 === 1) {
          out.push(ids.get(part) ?? -1);
          continue;
        }
        for (const [piece] of part.matchAll(PIECES)) {
          for (const id of bytePairEncode(toByteString(piece), ranks, longest)) out.push(id);
        }
      }
      return out;
    },
    bytes: (id) => Buffer.from(table[id] ?? tagNames.get(id) ?? '', 'latin1'),
  };
}

/** A base with more combining marks than any script puts on one, and the same in pieces that no composition crosses. */
const LONG_MARKS = /\p{M}{64}/u;
const MARK_RUNS = /\P{M}*\p{M}{0,64}/gu;

/** NFC in linear time: sorting a run of marks takes quadratic time, 12 s for 200,000, so long runs are sorted in pieces. */
function toNfc(text: string): string {
  if (!LONG_MARKS.test(text)) return text.normalize('NFC');
  return text.replace(MARK_RUNS, (run) => run.normalize('NFC'));
}

function toByteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
