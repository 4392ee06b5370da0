/** A hash of 52 bits. */
export type Hash = number;

/** Finaliser of MurmurHash3 (Appleby): every input bit reaches every output bit. */
const mix = (x: number): number => {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/**
 * The hash of whole numbers below 2^52, in two lanes of which the second hashes what the first one does. Equal in every process, since
 * gateways must agree.
 */
export const hashNumbers = (seed: Hash, numbers: Iterable<number>): Hash => {
  let low = seed >>> 0;
  let high = Math.floor(seed / 2 ** 32);
  for (const number of numbers) {
    const word = mix(number >>> 0) ^ Math.floor(number / 2 ** 32);
    low = mix(low ^ word);
    high = mix((high + 0x9e3779b9) ^ low);
  }
  return (high & 0xfffff) * 2 ** 32 + low;
};

/** The hash of a text. */
export const hashText = (text: string): Hash =>
  hashNumbers(
    text.length,
    Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)),
  );
