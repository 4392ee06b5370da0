import { EideticError } from '@eidetic/core';
import { CLASS_ESCAPES, CONTROL_ESCAPES, DOT } from './char-class.ts';
import { alt, type CodeRange, chars, complement, type Node, repeat, seq } from './node.ts';

/** One of the alternatives that a pattern consists of, its anchors taken off. */
export interface Branch {
  readonly fromStart: boolean;
  readonly node: Node;
  readonly toEnd: boolean;
}

/** Groups within groups; the parser calls itself for each. */
const MAX_DEPTH = 64;

const UNSUPPORTED_GROUPS: readonly (readonly [string, string])[] = [
  ['(?=', 'lookahead'],
  ['(?!', 'negative lookahead'],
  ['(?<=', 'lookbehind'],
  ['(?<!', 'negative lookbehind'],
];

/**
 * Reads a regular expression with the syntax and meaning of JavaScript's, flag `u`. Lazy quantifiers are as greedy ones: they
 * differ in what is captured, not in what is matched.
 *
 * @throws EideticError `invalid_request` for a malformed pattern, and by name for lookaround, backreferences, word boundaries,
 *   `\p`, modifiers, and anchors elsewhere than around an alternative of the whole pattern.
 */
export function parseRegex(pattern: string): readonly Branch[] {
  try {
    new RegExp(pattern, 'u');
  } catch (reason) {
    throw new EideticError(
      'invalid_request',
      `Not a regular expression: ${reason instanceof Error ? reason.message : reason}.`,
    );
  }
  return createParser(pattern).branches();
}

/** Code points with a cursor. The pattern is known to be well-formed, so that what is missing here cannot happen. */
function createParser(pattern: string): { branches(): Branch[] } {
  const points = Array.from(pattern);
  let at = 0;
  let depth = 0;

  const peek = (word: string): boolean => points.slice(at, at + word.length).join('') === word;
  const take = (word: string): boolean => {
    if (!peek(word)) return false;
    at += word.length;
    return true;
  };
  const next = (): string => points[at++] ?? '';
  const refuse = (what: string): never => {
    throw new EideticError(
      'invalid_request',
      `Regular expressions for answers have no ${what} (at character ${at + 1}). Write the pattern without it.`,
    );
  };

  function branches(): Branch[] {
    const out: Branch[] = [];
    do {
      const fromStart = take('^');
      const node = sequence();
      const toEnd = take('$');
      if (at < points.length && !peek('|'))
        refuse("'^' or '$' elsewhere than around the whole pattern or an alternative of it");
      out.push({ fromStart, node, toEnd });
    } while (take('|'));
    return out;
  }

  function sequence(): Node {
    const items: Node[] = [];
    while (at < points.length && !peek('|') && !peek(')') && !peek('$')) items.push(quantified(atom()));
    return seq(...items);
  }

  function quantified(item: Node): Node {
    const quantifier = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/u.exec(points.slice(at, at + 40).join(''));
    if (quantifier === null) return item;
    at += quantifier[0].length;
    const sign = quantifier[0][0];
    if (sign === '*') return repeat(item, 0, Number.POSITIVE_INFINITY);
    if (sign === '+') return repeat(item, 1, Number.POSITIVE_INFINITY);
    if (sign === '?') return repeat(item, 0, 1);
    const [, min = '', comma, max] = quantifier;
    const most = comma === '' ? Number(min) : max === '' ? Number.POSITIVE_INFINITY : Number(max);
    return repeat(item, Number(min), most);
  }

  function atom(): Node {
    if (peek('(')) return group();
    if (peek('[')) return characterClass();
    if (take('.')) return chars(DOT);
    if (peek('^')) refuse("'^' elsewhere than at the start of the pattern or of an alternative of it");
    if (take('\\')) {
      for (const letter of 'bB') if (peek(letter)) refuse('word boundaries (\\b, \\B)');
      return chars(escapeRanges());
    }
    const point = next().codePointAt(0) ?? 0;
    return chars([[point, point]]);
  }

  function group(): Node {
    for (const [opening, name] of UNSUPPORTED_GROUPS) if (peek(opening)) refuse(name);
    if (peek('(?') && !peek('(?:') && !peek('(?<')) refuse('modifiers such as (?i:)');
    next();
    if (!take('?:') && take('?<')) while (next() !== '>');
    if (++depth > MAX_DEPTH) refuse(`groups nested deeper than ${MAX_DEPTH}`);
    const items = [sequence()];
    while (take('|')) items.push(sequence());
    if (peek('$')) refuse("'$' inside a group");
    depth--;
    next();
    return alt(items);
  }

  function escapeRanges(): readonly CodeRange[] {
    const letter = next();
    if (letter === 'p' || letter === 'P') refuse('\\p; name the characters, as in [一-鿿]');
    if (letter === 'k' || (letter >= '1' && letter <= '9')) refuse('backreferences');
    const ranges = CLASS_ESCAPES[letter];
    if (ranges !== undefined) return ranges;
    const point = escapedPoint(letter);
    return [[point, point]];
  }

  function escapedPoint(letter: string): number {
    if (letter === 'x') return hex(2);
    if (letter === 'u') return unicode();
    if (letter === 'c') return (next().codePointAt(0) ?? 0) % 32;
    if (letter === '0') return 0;
    return CONTROL_ESCAPES[letter] ?? letter.codePointAt(0) ?? 0;
  }

  function hex(digits: number): number {
    at += digits;
    return Number.parseInt(points.slice(at - digits, at).join(''), 16);
  }

  function unicode(): number {
    if (take('{')) {
      const end = points.indexOf('}', at);
      const point = hex(end - at);
      at++;
      return point;
    }
    const high = hex(4);
    const low = /^\\u(d[c-f][0-9a-f]{2})/i.exec(points.slice(at, at + 6).join(''))?.[1];
    if (high < 0xd800 || high > 0xdbff || low === undefined) return high;
    at += 6;
    return 0x10000 + (high - 0xd800) * 0x400 + (Number.parseInt(low, 16) - 0xdc00);
  }

  function characterClass(): Node {
    next();
    const negated = take('^');
    const ranges: CodeRange[] = [];
    while (!take(']')) {
      const low = classAtom();
      const [first] = low;
      if (peek('-') && points[at + 1] !== ']' && first !== undefined) {
        next();
        const [last] = classAtom();
        ranges.push([first[0], last?.[1] ?? first[1]]);
      } else ranges.push(...low);
    }
    return chars(negated ? complement(ranges) : ranges);
  }

  function classAtom(): readonly CodeRange[] {
    if (!take('\\')) {
      const point = next().codePointAt(0) ?? 0;
      return [[point, point]];
    }
    return take('b') ? [[8, 8]] : escapeRanges();
  }

  return { branches };
}
