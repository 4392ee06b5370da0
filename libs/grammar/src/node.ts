/** Code points from `first` to `last`, both included. */
export type CodeRange = readonly [first: number, last: number];

/** A piece of a grammar over code points. */
export type Node =
  /** One code point out of ascending ranges that do not touch. */
  | { readonly kind: 'chars'; readonly ranges: readonly CodeRange[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'seq'; readonly items: readonly Node[] }
  /** Without items it matches nothing at all. */
  | { readonly kind: 'alt'; readonly items: readonly Node[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly min: number; readonly max: number }
  /** A rule by name. */
  | { readonly kind: 'ref'; readonly name: string };

/** Rules by name; `root` is where an answer begins. */
export type Rules = ReadonlyMap<string, Node>;

/** Last code point of Unicode. */
const LAST_CODE_POINT = 0x10ffff;

/** Matches nothing. */
export const NEVER: Node = { kind: 'alt', items: [] };

/** Matches the empty text. */
export const EMPTY: Node = { kind: 'seq', items: [] };

/** Whether a node is {@link NEVER}. */
function isNever(node: Node): boolean {
  return node.kind === 'alt' && node.items.length === 0;
}

/** Exactly this text. */
export function text(value: string): Node {
  return value === '' ? EMPTY : { kind: 'text', text: value };
}

/** One after the other. */
export function seq(...items: readonly Node[]): Node {
  if (items.some(isNever)) return NEVER;
  const flat = items.flatMap((item) => (item.kind === 'seq' ? item.items : [item]));
  return flat.length === 1 && flat[0] !== undefined ? flat[0] : { kind: 'seq', items: flat };
}

/** Any of them. */
export function alt(items: readonly Node[]): Node {
  const flat = items.flatMap((item) => (item.kind === 'alt' ? item.items : [item]));
  return flat.length === 1 && flat[0] !== undefined ? flat[0] : { kind: 'alt', items: flat };
}

/** From `min` to `max` times; `max` may be Infinity. */
export function repeat(item: Node, min: number, max: number): Node {
  if (max < min) return NEVER;
  if (max === 0) return EMPTY;
  if (isNever(item)) return min === 0 ? EMPTY : NEVER;
  if (min === 1 && max === 1) return item;
  return { kind: 'repeat', item, min, max };
}

/** Once or not at all. */
export function optional(item: Node): Node {
  return repeat(item, 0, 1);
}

/** The rule of this name. */
export function ref(name: string): Node {
  return { kind: 'ref', name };
}

/** One code point out of ranges in any order; surrogates, which UTF-8 does not have, are left out. */
export function chars(ranges: readonly CodeRange[]): Node {
  const merged = mergeRanges(ranges).flatMap(withoutSurrogates);
  return merged.length === 0 ? NEVER : { kind: 'chars', ranges: merged };
}

/** Sorts ranges and joins those that touch. */
function mergeRanges(ranges: readonly CodeRange[]): CodeRange[] {
  const out: CodeRange[] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const previous = out.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) {
      out[out.length - 1] = [previous[0], Math.max(previous[1], last)];
    } else out.push([first, last]);
  }
  return out;
}

/** Code points that are in none of the ranges. */
export function complement(ranges: readonly CodeRange[]): CodeRange[] {
  const out: CodeRange[] = [];
  let next = 0;
  for (const [first, last] of mergeRanges(ranges)) {
    if (first > next) out.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) out.push([next, LAST_CODE_POINT]);
  return out;
}

function withoutSurrogates([first, last]: CodeRange): CodeRange[] {
  const parts: CodeRange[] = [
    [first, Math.min(last, 0xd7ff)],
    [Math.max(first, 0xe000), last],
  ];
  return parts.filter(([from, to]) => from <= to);
}

/** Whether a node matches the empty text. Rules never do: the grammars built here refer to JSON values only. */
export function isNullable(node: Node): boolean {
  switch (node.kind) {
    case 'seq':
      return node.items.every(isNullable);
    case 'alt':
      return node.items.some(isNullable);
    case 'repeat':
      return node.min === 0 || isNullable(node.item);
    default:
      return false;
  }
}
