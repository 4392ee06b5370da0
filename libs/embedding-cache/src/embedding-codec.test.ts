import { crc32 } from 'node:zlib';
import type { ImageEmbedding } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEmbedding, encodeEmbedding } from './embedding-codec.ts';

const bitsOf = ({ data }: ImageEmbedding): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const embeddings = (numbers: fc.Arbitrary<number>): fc.Arbitrary<ImageEmbedding> =>
  fc
    .record({ tokens: fc.integer({ min: 0, max: 9 }), hidden: fc.integer({ min: 1, max: 9 }) })
    .chain(({ tokens, hidden }) =>
      fc.record({
        data: fc
          .array(numbers, { minLength: tokens * hidden, maxLength: tokens * hidden })
          .map((all) => Float32Array.from(all)),
        tokens: fc.constant(tokens),
        hidden: fc.constant(hidden),
        imageWidth: uint32,
        imageHeight: uint32,
      }),
    );
const halves = fc.float().map((number) => Math.f16round(number));
const anyEmbedding = fc.oneof(embeddings(fc.float()), embeddings(halves));

/** The value with its checksum made right again. */
const resealed = (value: Buffer): Buffer => {
  value.writeUInt32LE(crc32(value.subarray(64), crc32(value.subarray(0, 60))), 60);
  return value;
};

describe('decodeEmbedding', () => {
  it('gives back what was encoded, bit for bit', () => {
    fc.assert(
      fc.property(fc.string(), anyEmbedding, (key, embedding) => {
        const decoded = decodeEmbedding(key, encodeEmbedding(key, embedding));
        if (decoded.outcome !== 'hit') throw new Error(decoded.outcome);
        expect(decoded.embedding).toEqual(embedding);
        expect(bitsOf(decoded.embedding)).toEqual(bitsOf(embedding));
      }),
    );
  });

  it('gives back a NaN with its payload', () => {
    const data = new Float32Array(Uint32Array.of(0x7fc0_0001, 0x3f80_0000).buffer);
    const embedding = { data, tokens: 1, hidden: 2, imageWidth: 1, imageHeight: 1 };
    const decoded = decodeEmbedding('k', encodeEmbedding('k', embedding));
    expect(decoded.outcome === 'hit' && bitsOf(decoded.embedding)).toEqual(bitsOf(embedding));
  });

  it('finds the numbers wherever the value begins in a larger buffer', () => {
    fc.assert(
      fc.property(anyEmbedding, fc.integer({ min: 0, max: 9 }), (embedding, offset) => {
        const value = Buffer.concat([Buffer.alloc(offset, 0xff), encodeEmbedding('k', embedding)]).subarray(offset);
        expect(decodeEmbedding('k', value)).toEqual({ outcome: 'hit', embedding });
      }),
    );
  });

  it('does not hold on to the buffer that the value came in', () => {
    const embedding = { data: Float32Array.of(1.1), tokens: 1, hidden: 1, imageWidth: 1, imageHeight: 1 };
    const decoded = decodeEmbedding('k', encodeEmbedding('k', embedding));
    expect(decoded.outcome === 'hit' && decoded.embedding.data.buffer.byteLength).toBe(4);
  });

  it('refuses a value with any bit flipped', () => {
    fc.assert(
      fc.property(anyEmbedding, fc.nat(), (embedding, position) => {
        const value = encodeEmbedding('k', embedding);
        const bit = position % (value.length * 8);
        value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decodeEmbedding('k', value).outcome).not.toBe('hit');
      }),
    );
  });

  it('refuses a value that is cut or has something behind it', () => {
    fc.assert(
      fc.property(anyEmbedding, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 9 }), (embedding, at, more) => {
        const value = encodeEmbedding('k', embedding);
        expect(decodeEmbedding('k', value.subarray(0, at % value.length)).outcome).toBe('corrupt');
        expect(decodeEmbedding('k', Buffer.concat([value, more])).outcome).toBe('corrupt');
      }),
    );
  });

  it('refuses a value that was made for another key', () => {
    fc.assert(
      fc.property(anyEmbedding, fc.string(), fc.string(), (embedding, key, other) => {
        fc.pre(key !== other);
        expect(decodeEmbedding(other, encodeEmbedding(key, embedding))).toEqual({ outcome: 'foreign' });
      }),
    );
  });

  it('refuses any bytes that are not an embedding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeEmbedding('k', Buffer.from(bytes)).outcome).not.toBe('hit');
      }),
    );
  });

  it('refuses another version, an unknown element type and a shape that is not its own, checksum or not', () => {
    const embedding = { data: Float32Array.of(1.1, 2.2), tokens: 1, hidden: 2, imageWidth: 1, imageHeight: 1 };
    const altered = (alter: (value: Buffer) => void): string => {
      const value = encodeEmbedding('k', embedding);
      alter(value);
      return decodeEmbedding('k', resealed(value)).outcome;
    };
    expect(altered(() => undefined)).toBe('hit');
    expect(altered((value) => value.writeUInt16LE(2, 4))).toBe('foreign');
    expect(altered((value) => value.writeUInt16LE(3, 6))).toBe('corrupt');
    expect(altered((value) => value.writeUInt32LE(2, 8))).toBe('corrupt');
  });
});

describe('encodeEmbedding', () => {
  const sizeOf = (data: Float32Array): number =>
    encodeEmbedding('k', { data, tokens: 1, hidden: data.length, imageWidth: 1, imageHeight: 1 }).length;

  it('takes two bytes a number when float16 holds every one exactly, else four', () => {
    expect(sizeOf(Float32Array.of(1, -0.5, 65504, 2 ** -24, -0))).toBe(64 + 5 * 2);
    expect(sizeOf(Float32Array.of(1, -0.5, 65504, 2 ** -25, -0))).toBe(64 + 5 * 4);
    expect(sizeOf(Float32Array.of(1, 65536))).toBe(64 + 2 * 4);
  });
});
