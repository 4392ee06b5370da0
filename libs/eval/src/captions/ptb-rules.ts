import { ABBREVIATIONS, CAPITALISED_ABBREVIATIONS, NUMBERED_ABBREVIATIONS, SENTENCE_STARTS } from './abbreviations.ts';

/** A kind of token. */
export interface TokenRule {
  /** Sticky. Its group `token` is the token where the pattern looks ahead at more. */
  readonly pattern: RegExp;
  /** What is written instead of the token. */
  readonly write?: (token: string) => readonly string[];
}

const rule = (pattern: string, write?: TokenRule['write']) => makeRule(pattern, 'yu', write);
const anyCase = (pattern: string, write?: TokenRule['write']) => makeRule(pattern, 'yui', write);

function makeRule(pattern: string, flags: string, write: TokenRule['write']): TokenRule {
  return { pattern: new RegExp(pattern, flags), ...(write === undefined ? {} : { write }) };
}

const splitAt = (index: number) => (token: string) => [token.slice(0, index), token.slice(index)];
const splitAtSpaces = (token: string) => token.split(/\s+/);

/** Writes every character that the table knows as the table says. */
function replacing(table: Readonly<Record<string, string>>): (token: string) => readonly string[] {
  return (token) => [Array.from(token, (character) => table[character] ?? character).join('')];
}

const anyOf = (words: ReadonlySet<string>) => [...words].join('|');
const capitalised = (words: ReadonlySet<string>) =>
  [...words].map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}|${word.toUpperCase()}`).join('|');

const BRACKETS = { '(': '-LRB-', ')': '-RRB-', '[': '-LSB-', ']': '-RSB-', '{': '-LCB-', '}': '-RCB-' };
const ROUND_BRACKETS = { '(': BRACKETS['('], ')': BRACKETS[')'] };
const QUOTES = { '‘': '`', '’': "'", '“': '``', '”': "''" };
const SPELT_OUT = {
  '½': '1/2',
  '¼': '1/4',
  '¾': '3/4',
  '⅓': '1/3',
  '⅔': '2/3',
  '¢': 'cents',
  '£': '#',
  '¤': '$',
  '€': '$',
};

const LETTER = String.raw`\p{L}\p{M}*`;
const LETTERS = `(?:${LETTER})+`;
const ALNUM = String.raw`(?:${LETTER}|\p{Nd})`;
const APOSTROPHE = "['’]";

const PLAIN_WORD = `${ALNUM}+(?:_${ALNUM}+)*`;
const DOTTED_WORD = `${LETTER}${ALNUM}*(?:[.!?]${LETTER}${ALNUM}*)+`;
const AMPERSAND_WORD = '[A-Z]+(?:[&+][A-Z]+)+';
const ELISION = `[DdOoLl]${APOSTROPHE}`; // d'Or, l'eau, o'clock
const HYPHEN_PART = String.raw`(?:[A-Za-z]\.){2,}|(?:${ELISION})?(?:${ALNUM}|_)+`;
const HYPHENATED_WORD = `(?:${ELISION}(?=${ALNUM}{2}))?${ALNUM}(?:${ALNUM}|[_.,])*(?:[-‐‑](?:${HYPHEN_PART}))+`;
const APOSTROPHE_WORD = [
  `(?:${ELISION}|[A-HJ-XZn]${APOSTROPHE})${LETTER}${LETTERS}`, // O'Hare, l'eau
  `${LETTERS}[aeiouyAEIOUY]${APOSTROPHE}[aeiouA-Z](?:${LETTER})*`, // Hawai'i, ma'am
  `[Cc]'mon|[Ss]'mores|[Cc]${APOSTROPHE}est|[Ee]v${APOSTROPHE}ry|[Ll]i${APOSTROPHE}l|[Nn]at${APOSTROPHE}l`,
  `[Ee]${APOSTROPHE}er|[Cc]ap${APOSTROPHE}n|[Dd]${APOSTROPHE}ye`,
].join('|');

const CONTRACTIONS = [
  anyCase("(?<token>[a-z]+)n['’‘`]t"),
  anyCase("n['’‘`]t", replacing(QUOTES)),
  anyCase(`(?<token>${PLAIN_WORD}|${DOTTED_WORD})${APOSTROPHE}(?:ll|re|ve|[smd])(?!${LETTER})`),
  anyCase(`'(?:ll|re|ve|[smd])(?!${LETTER})`),
  anyCase('’(?:ll|re|ve|[smd])', replacing(QUOTES)),
  anyCase('cannot|gonna|gotta|wanna|gimme|lemme', splitAt(3)),
  anyCase("'tis|'twas", splitAt(2)),
];

const WORDS = [
  rule(APOSTROPHE_WORD),
  rule(`[DdJjLl]${APOSTROPHE}|[Yy]${APOSTROPHE}(?=${LETTER})`), // y'all, j'ai
  anyCase(String.raw`${APOSTROPHE}n${APOSTROPHE}|'n(?!\S)|’n(?!${LETTER})`), // rock 'n' roll
  anyCase(`${APOSTROPHE}(?:em|cause|till?|[2-9]0s)`),
  anyCase(`(?:somethin|dunkin|ol)${APOSTROPHE}`),
  rule(String.raw`(?<token>${APOSTROPHE}\d\d)(?:\s|$)`), // summer of '69
  rule(DOTTED_WORD),
  rule(PLAIN_WORD),
  rule(HYPHENATED_WORD),
  rule('[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}'), // and/or
  rule(AMPERSAND_WORD),
  rule(String.raw`[CcFf]#|[Cc]\+\+`),
];

const ABBREVIATED = [
  rule(String.raw`(?<token>[A-Za-z])\.\s+(?:${capitalised(SENTENCE_STARTS)})\s`),
  rule(String.raw`(?:[A-Za-z]\.)+`),
  anyCase(String.raw`(?:${anyOf(ABBREVIATIONS)})\.`),
  rule(String.raw`(?:${capitalised(CAPITALISED_ABBREVIATIONS)})\.`),
  anyCase(String.raw`(?<token>(?:${anyOf(NUMBERED_ABBREVIATIONS)})\.)\s?\d`),
  // Before another mark the full stop belongs to any word.
  rule(
    String.raw`(?<token>(?:${PLAIN_WORD}|${DOTTED_WORD}|${AMPERSAND_WORD}|${APOSTROPHE_WORD}|${HYPHENATED_WORD})\.)[,;:]`,
  ),
];

const NUMBERS = [
  rule(String.raw`[-+]?(?:\p{Nd}*(?:[.:,]\p{Nd}+)+|\p{Nd}+)`),
  rule(String.raw`(?:\d{1,4}[- \u00a0])?\d{1,4}/\d{1,4}`, splitAtSpaces), // 1 1/2
  // Telephone numbers. Others look like them: what counts is which digits are taken together.
  rule(String.raw`(?:\d{2,4}[- ])?\d{2,4}[- ]\d{3,4}[- ]?\d{3,5}`, splitAtSpaces),
  rule(String.raw`(?<token>\(\d{2,3}\)) ?\d{3,4}[- ]?\d{3,5}`, replacing(ROUND_BRACKETS)),
  rule('[A-Z]+\\$'), // US$
];

const ADDRESSES = [
  anyCase(String.raw`https?://[^\s<>"().]+\.[^\s<>"()]*[^\s<>"().,?!-]`),
  rule(String.raw`[A-Za-z0-9][^\s<>"()@]*@(?:[^\s<>"().]|\.(?=\w))+`),
  rule('@[A-Za-z_]\\w*'),
  rule(`#${LETTERS}`),
  rule(String.raw`<(?:/?[A-Za-z]|[!?][A-Za-z-])[^<>\n]*>`, splitAtSpaces), // SGML
];

const MARKS = [
  rule(String.raw`(?<token>[<>]?[:;=][-o*']?[()DPdpO\\{@|[\]])(?!${ALNUM})`, replacing(ROUND_BRACKETS)),
  rule(String.raw`(?<token>\^_\^|-_-|[oO]_[oO]|[tT]_[tT]|:3)(?!${ALNUM})`),
  rule(String.raw`[!?]+|\*+|_+|#+|@+|<<|>>|-{5,}`),
  rule(String.raw`\.{3,}|-{1,4}|["“”«»‘’‛‹›\x60…–—―]`, () => []), // dropped in whatever form
  anyCase('-[LR][RSC]B-'),
  rule('[()[\\]{}]', replacing(BRACKETS)),
  rule('[‘’“”„]{2}', replacing(QUOTES)),
  rule(`[${Object.keys(SPELT_OUT).join('')}]`, replacing(SPELT_OUT)),
  rule(String.raw`[.,;:'#%&*+/<=>@\\^_|~$]`),
  rule('[¡-¿×÷‖‗‚„‟†-‣‰-‸※‾⁰-ₜ℀-⅏⅕-⅞←-⯿、。〒・！-･￠-￦]'),
];

/** The kinds of tokens, in the order in which they win over others of the same length. */
export const RULES: readonly TokenRule[] = [
  ...CONTRACTIONS,
  ...WORDS,
  ...ABBREVIATED,
  ...NUMBERS,
  ...ADDRESSES,
  ...MARKS,
];
