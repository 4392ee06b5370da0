import { describe, expect, it } from 'vitest';
import { widenToFloat32 } from './float32.ts';

const EVERY_PATTERN = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);

/** The value by the definition of IEEE 754, in doubles, where it is exact. */
function ieeeValue(bits: number, exponentBits: number, fractionBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >>> 15 ? -1 : 1;
  const exponent = (bits >>> fractionBits) & (2 ** exponentBits - 1);
  const fraction = bits & (2 ** fractionBits - 1);
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction * 2 ** -fractionBits) * 2 ** (exponent - bias);
}

describe('widenToFloat32', () => {
  it.each([
    ['float16', 5, 10],
    ['bfloat16', 8, 7],
  ] as const)('gives the exact value of all 65536 %s patterns', (dtype, exponentBits, fractionBits) => {
    const target = new Float32Array(0x10000);
    widenToFloat32(EVERY_PATTERN.buffer, dtype, target);
    const wrong = EVERY_PATTERN.filter((bits) => !Object.is(target[bits], ieeeValue(bits, exponentBits, fractionBits)));
    expect([...wrong]).toEqual([]);
  });
});
