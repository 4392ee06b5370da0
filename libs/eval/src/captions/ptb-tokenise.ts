import { RULES } from './ptb-rules.ts';

// What pycocoevalcap drops: quotes, full stops and the like, as the tokenizer writes them.
const DROPPED = new Set(["''", "'", '``', '`', '.', '?', '!', ',', ':', '-', '--', '...', ';']);

// Emoji and whatever else is beyond the first 65,536 characters, which the original drops.
const UNKNOWN = /[\u{10000}-\u{10ffff}]/gu;

/**
 * The words of a caption as pycocoevalcap compares them: those of Stanford's PTBTokenizer 3.4.1 with `-lowerCase`, without
 * quotes and the commonest marks. Brackets stay, as `-lrb-` and so on, and so do `!!`, `%` or `&`.
 *
 * It is the part of Penn Treebank tokenisation that captions need. It differs from the original in SGML entities (`&amp;`), in
 * web addresses without `www` or a scheme, in versions such as `3.x`, in scripts and symbols that Unicode got after 2010,
 * and in Khmer and Burmese. A caption is looked at alone: the original takes the letter of `plan b.` for a word
 * when the *next* caption begins with `A` or `The`.
 */
export function ptbTokenise(text: string): readonly string[] {
  const tokens: string[] = [];
  const known = text.replace(/\u00ad/g, '').replace(UNKNOWN, ' ');
  for (let start = 0; start < known.length; ) {
    const { length, written } = longestMatch(known, start);
    tokens.push(...written);
    start += length;
  }
  return tokens.map((token) => token.toLowerCase()).filter((token) => !DROPPED.has(token));
}

/** The rule that reaches furthest wins, what it looks ahead at included; of equals the first. */
function longestMatch(text: string, start: number): { length: number; written: readonly string[] } {
  let reach = 0;
  let best = { length: 1, written: [] as readonly string[] };
  for (const { pattern, write } of RULES) {
    pattern.lastIndex = start;
    const match = pattern.exec(text);
    if (match === null || match[0].length <= reach) continue;
    reach = match[0].length;
    const token = match.groups?.token ?? match[0];
    best = { length: token.length, written: write?.(token) ?? [token] };
  }
  return best;
}
