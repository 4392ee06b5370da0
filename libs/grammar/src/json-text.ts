import { alt, type CodeRange, chars, complement, type Node, optional, repeat, seq, text } from './node.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LAST_CONTROL = 0x1f;
const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [QUOTE, '\\"'],
  [BACKSLASH, '\\\\'],
]);

/** What answers have between values: a comma or a colon, and at most one space, so that no model can write spaces forever. */
export const COMMA: Node = seq(text(','), optional(text(' ')));
export const COLON: Node = seq(text(':'), optional(text(' ')));

/** Code points that strings without a pattern consist of: all but the control characters that have no short escape. */
const STRING_POINTS: readonly CodeRange[] = complement(
  Array.from({ length: LAST_CONTROL + 1 }, (_, point): CodeRange => [point, point]).filter(
    ([point]) => !SHORT_ESCAPES.has(point),
  ),
);

/**
 * One code point of a JSON string. Each is written in one way only, so that lengths can be counted and names told apart: raw
 * where JSON allows it, otherwise the short escape, otherwise `\u` with small letters.
 */
function jsonChar(ranges: readonly CodeRange[]): Node {
  const raw = complement([[0, LAST_CONTROL], [QUOTE, QUOTE], [BACKSLASH, BACKSLASH], ...complement(ranges)]);
  const parts = [chars(raw)];
  for (let point = 0; point <= BACKSLASH; point++) {
    if (point > LAST_CONTROL && point !== QUOTE && point !== BACKSLASH) continue;
    if (!ranges.some(([first, last]) => first <= point && point <= last)) continue;
    parts.push(text(SHORT_ESCAPES.get(point) ?? `\\u${point.toString(16).padStart(4, '0')}`));
  }
  return alt(parts);
}

/** Texts as the inside of a JSON string. */
export function jsonText(node: Node): Node {
  switch (node.kind) {
    case 'chars':
      return jsonChar(node.ranges);
    case 'text':
      return text(JSON.stringify(node.text).slice(1, -1));
    case 'seq':
      return seq(...node.items.map(jsonText));
    case 'alt':
      return alt(node.items.map(jsonText));
    case 'repeat':
      return repeat(jsonText(node.item), node.min, node.max);
    case 'ref':
      return node;
  }
}

/** A JSON string with such an inside. */
export function quoted(inside: Node): Node {
  return seq(text('"'), inside, text('"'));
}

/** Any text of so many code points, as the inside of a JSON string. */
export function anyText(min = 0, max = Number.POSITIVE_INFINITY): Node {
  return repeat(jsonChar(STRING_POINTS), min, max);
}

/** Insides of JSON strings that are none of these names. */
export function otherNames(names: readonly string[]): Node {
  const points = names.map((name) => Array.from(name, (char) => char.codePointAt(0) ?? 0));
  return without(points, 0);
}

/** Texts that are none of `names` from their `depth`th code point on; all names have the same ones before. */
function without(names: readonly (readonly number[])[], depth: number): Node {
  if (names.length === 0) return anyText();
  const following = Map.groupBy(
    names.filter((name) => name.length > depth),
    (name) => name[depth] ?? 0,
  );
  const others = jsonChar(
    complement([...complement(STRING_POINTS), ...Array.from(following.keys(), (point): CodeRange => [point, point])]),
  );
  const ways: Node[] = [seq(others, anyText())];
  for (const [point, longer] of following) ways.push(seq(jsonChar([[point, point]]), without(longer, depth + 1)));
  if (names.every((name) => name.length !== depth)) ways.push(text(''));
  return alt(ways);
}
