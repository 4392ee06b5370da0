import type { CodeRange } from './node.ts';

/** Bytes from `first` to `last`, both included. */
export type ByteRange = readonly [first: number, last: number];

/** Last code points of one, two, three and four bytes. */
const LAST_OF_LENGTH = [0x7f, 0x7ff, 0xffff, 0x10ffff];

/**
 * The UTF-8 encodings of a range of code points as sequences of byte ranges: a byte string is one of them exactly when it
 * encodes a code point of the range (as in RE2 and Rust's `utf8-ranges`). The range holds no surrogates.
 */
export function utf8Ranges([first, last]: CodeRange): ByteRange[][] {
  const out: ByteRange[][] = [];
  let from = first;
  for (const end of LAST_OF_LENGTH) {
    if (from > last) break;
    if (from <= end) {
      split(from, Math.min(last, end), out);
      from = end + 1;
    }
  }
  return out;
}

/** Cuts a range of equally long encodings until every byte varies on its own. */
function split(first: number, last: number, out: ByteRange[][]): void {
  const low = Buffer.from(String.fromCodePoint(first));
  for (let tail = 1; tail < low.length; tail++) {
    const mask = (1 << (6 * tail)) - 1;
    if ((first & ~mask) === (last & ~mask)) continue;
    if ((first & mask) !== 0) {
      split(first, first | mask, out);
      split((first | mask) + 1, last, out);
      return;
    }
    if ((last & mask) !== mask) {
      split(first, (last & ~mask) - 1, out);
      split(last & ~mask, last, out);
      return;
    }
  }
  const high = Buffer.from(String.fromCodePoint(last));
  out.push(Array.from(low, (byte, i) => [byte, high[i] ?? byte]));
}
