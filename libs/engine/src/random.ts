/** Finaliser of MurmurHash3 (Appleby): every input bit reaches every output bit. */
function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A uniform number in [0, 1) that depends on nothing but its arguments, so that an answer continued on another machine
 * draws the numbers that the first one would have drawn.
 *
 * @param seed whole number up to 2^53
 * @param position index in the sequence of the token to be drawn
 */
export function uniform(seed: number, position: number): number {
  const key = mix(mix(seed >>> 0) ^ Math.floor(seed / 2 ** 32));
  const high = mix(key ^ mix(position)) >>> 5;
  const low = mix(high ^ mix(key + 0x9e3779b9) ^ position) >>> 6;
  return (high * 2 ** 26 + low) / 2 ** 53;
}
