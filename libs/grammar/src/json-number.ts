import { alt, chars, EMPTY, type Node, optional, repeat, seq, text } from './node.ts';

/** Bounds of a JSON Schema. */
export interface NumberBounds {
  readonly min: number;
  readonly max: number;
  /** Whether `min` and `max` themselves are left out. */
  readonly minExcluded: boolean;
  readonly maxExcluded: boolean;
}

/** No bounds. */
export const UNBOUNDED: NumberBounds = {
  min: Number.NEGATIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
  minExcluded: false,
  maxExcluded: false,
};

/** Most digits of an integer: every one of them is exact in a double. */
const INTEGER_DIGITS = 15;
/** Most digits behind the point. */
const FRACTION_DIGITS = 15;
/** The same beside a bound: with ten digits before the point a double still tells neighbours apart. */
const BOUNDED_FRACTION_DIGITS = 5;
/** Largest integer that a bound may be. */
export const LARGEST_BOUND = 1e15 - 1;
/** Largest bound of numbers that are no integers. */
export const LARGEST_FRACTIONAL_BOUND = 1e9;

const DIGIT = digits('0', '9');

function digits(first: string, last: string): Node {
  return chars([[first.charCodeAt(0), last.charCodeAt(0)]]);
}

/** Integers within bounds, without exponent. */
export function integerNode(bounds: NumberBounds): Node {
  const min = Math.max(-LARGEST_BOUND, bounds.minExcluded ? Math.floor(bounds.min) + 1 : Math.ceil(bounds.min));
  const max = Math.min(LARGEST_BOUND, bounds.maxExcluded ? Math.ceil(bounds.max) - 1 : Math.floor(bounds.max));
  const parts: Node[] = [];
  if (min < 0) parts.push(seq(text('-'), naturals(Math.max(1, -max), -min)));
  if (max >= 0) parts.push(naturals(Math.max(0, min), max));
  return alt(parts);
}

/** Numbers without bounds: they stay finite when they are parsed. */
export function anyNumber(): Node {
  return seq(
    optional(text('-')),
    naturals(0, LARGEST_BOUND),
    optional(seq(text('.'), repeat(DIGIT, 1, FRACTION_DIGITS))),
    optional(
      seq(
        chars([
          [0x45, 0x45],
          [0x65, 0x65],
        ]),
        optional(
          chars([
            [0x2b, 0x2b],
            [0x2d, 0x2d],
          ]),
        ),
        repeat(DIGIT, 1, 2),
      ),
    ),
  );
}

/** Numbers within bounds that are integers of at most {@link LARGEST_FRACTIONAL_BOUND}, without exponent. */
export function boundedNumber(bounds: NumberBounds): Node {
  const { min, max, minExcluded, maxExcluded } = bounds;
  const parts: Node[] = [];
  if (min < 0) {
    parts.push(seq(text('-'), magnitudes(Math.max(0, -max), -min, max <= 0 && maxExcluded, minExcluded)));
  }
  if (max >= 0) parts.push(magnitudes(Math.max(0, min), max, min >= 0 && minExcluded, maxExcluded));
  return alt(parts);
}

/** Numbers of `min` to `max` (both integers of 0 or more, `max` possibly Infinity), written with or without a fraction. */
function magnitudes(min: number, max: number, minExcluded: boolean, maxExcluded: boolean): Node {
  if (min > max || (min === max && (minExcluded || maxExcluded))) return alt([]);
  const point = text('.');
  const fraction = optional(seq(point, repeat(DIGIT, 1, BOUNDED_FRACTION_DIGITS)));
  const zeros = optional(seq(point, repeat(text('0'), 1, BOUNDED_FRACTION_DIGITS)));
  const last = max === Number.POSITIVE_INFINITY ? LARGEST_FRACTIONAL_BOUND : max;
  const parts: Node[] = [];
  if (min < last) parts.push(seq(text(String(min)), minExcluded ? positiveFraction() : fraction));
  if (min + 1 < last) parts.push(seq(naturals(min + 1, last - 1), fraction));
  if (!maxExcluded && last >= min) parts.push(seq(text(String(last)), zeros));
  return alt(parts);
}

/** A fraction that is not zero. */
function positiveFraction(): Node {
  const ways = Array.from({ length: BOUNDED_FRACTION_DIGITS }, (_, zeros) =>
    seq(text(`.${'0'.repeat(zeros)}`), digits('1', '9'), repeat(DIGIT, 0, BOUNDED_FRACTION_DIGITS - zeros - 1)),
  );
  return alt(ways);
}

/** Decimal integers from `min` to `max`, both 0 to {@link LARGEST_BOUND}, without leading zeros. */
function naturals(min: number, max: number): Node {
  const parts: Node[] = [];
  for (let length = 1; length <= INTEGER_DIGITS; length++) {
    const first = Math.max(min, length === 1 ? 0 : 10 ** (length - 1));
    const last = Math.min(max, 10 ** length - 1);
    if (first <= last) parts.push(sameLength(String(first), String(last)));
  }
  return alt(parts);
}

/** Digit strings between two of the same length. */
function sameLength(first: string, last: string): Node {
  if (first === '') return EMPTY;
  const [low = '0', high = '0'] = [first[0], last[0]];
  const [lowRest, highRest] = [first.slice(1), last.slice(1)];
  const [zeros, nines] = ['0'.repeat(lowRest.length), '9'.repeat(lowRest.length)];
  if (lowRest === zeros && highRest === nines) return seq(digits(low, high), repeat(DIGIT, zeros.length, zeros.length));
  if (low === high) return seq(text(low), sameLength(lowRest, highRest));
  const [inner, outer] = [Number(low) + (lowRest === zeros ? 0 : 1), Number(high) - (highRest === nines ? 0 : 1)];
  const parts: Node[] = [];
  if (lowRest !== zeros) parts.push(seq(text(low), sameLength(lowRest, nines)));
  if (inner <= outer) parts.push(sameLength(`${inner}${zeros}`, `${outer}${nines}`));
  if (highRest !== nines) parts.push(seq(text(high), sameLength(zeros, highRest)));
  return alt(parts);
}
