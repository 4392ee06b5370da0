import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ImageEmbedding } from '@eidetic/core';

/**
 * The bytes of an embedding where processes share it. All numbers are little-endian.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 4 | `EIDE` |
 * | 4 | 2 | version of this format |
 * | 6 | 2 | element type: 1 float32, 2 float16 |
 * | 8 | 16 | tokens, hidden, picture's width, height: uint32 each |
 * | 24 | 32 | sha256 of the key that the value was made for |
 * | 56 | 4 | 0 |
 * | 60 | 4 | CRC-32 of the 60 bytes before and all after |
 * | 64 | | the numbers, row-major `[tokens, hidden]` |
 */
const HEADER_BYTES = 64;
const CHECKSUM_AT = 60;
const KEY_AT = 24;
const MAGIC = Buffer.from('EIDE', 'latin1');
const FLOAT32 = 1;
const FLOAT16 = 2;

/** Goes up with every change of the format; it is in the keys too, so that old and new processes can share a Redis. */
export const EMBEDDING_FORMAT_VERSION = 1;

/** A decoded value, or why it must not be served. */
export type DecodedEmbedding =
  | { readonly outcome: 'hit'; readonly embedding: ImageEmbedding }
  | { readonly outcome: 'corrupt' | 'foreign' };

/**
 * Encodes an embedding for a key. Numbers that float16 can hold exactly, every one of them, take two bytes each (an encoder
 * with float16 activations gives such), else four: what comes back is what went in, bit for bit.
 */
export function encodeEmbedding(key: string, embedding: ImageEmbedding): Buffer {
  const { data, tokens, hidden, imageWidth, imageHeight } = embedding;
  const numbers = exactFloat16(data) ?? data;
  const value = Buffer.allocUnsafeSlow(HEADER_BYTES + numbers.byteLength);
  MAGIC.copy(value);
  value.writeUInt16LE(EMBEDDING_FORMAT_VERSION, 4);
  value.writeUInt16LE(numbers === data ? FLOAT32 : FLOAT16, 6);
  for (const [i, size] of [tokens, hidden, imageWidth, imageHeight].entries()) value.writeUInt32LE(size, 8 + 4 * i);
  keyHash(key).copy(value, KEY_AT);
  value.writeUInt32LE(0, KEY_AT + 32);
  value.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), HEADER_BYTES);
  value.writeUInt32LE(checksum(value), CHECKSUM_AT);
  return value;
}

/** Decodes a value that was found under a key. The embedding has memory of its own. Any bytes are safe to give. */
export function decodeEmbedding(key: string, value: Buffer): DecodedEmbedding {
  if (value.length < HEADER_BYTES) return { outcome: 'corrupt' };
  const known = value.subarray(0, 4).equals(MAGIC) && value.readUInt16LE(4) === EMBEDDING_FORMAT_VERSION;
  if (!known) return { outcome: 'foreign' };
  if (value.readUInt32LE(CHECKSUM_AT) !== checksum(value)) return { outcome: 'corrupt' };
  if (!value.subarray(KEY_AT, KEY_AT + 32).equals(keyHash(key))) return { outcome: 'foreign' };
  const [tokens, hidden, imageWidth, imageHeight] = [8, 12, 16, 20].map((at) => value.readUInt32LE(at)) as Sizes;
  const data = numbersOf(value, value.readUInt16LE(6));
  if (data?.length !== tokens * hidden) return { outcome: 'corrupt' };
  return { outcome: 'hit', embedding: { data, tokens, hidden, imageWidth, imageHeight } };
}

type Sizes = [tokens: number, hidden: number, imageWidth: number, imageHeight: number];

// 5 GB/s on the machine of docs/decisions/0013, and finds every single flipped bit.
const checksum = (value: Buffer): number => crc32(value.subarray(HEADER_BYTES), crc32(value.subarray(0, CHECKSUM_AT)));

const keyHash = (key: string): Buffer => hash('sha256', key, 'buffer');

/** The numbers in float16 if none of them changes thereby. A float32 encoder's are given up at the first or second. */
function exactFloat16(data: Float32Array): Float16Array | undefined {
  const narrow = new Float16Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const number = data[i] ?? 0;
    narrow[i] = number;
    // NaN differs from itself: it keeps its bits in float32.
    if (narrow[i] !== number) return undefined;
  }
  return narrow;
}

/** A received value may begin anywhere in a larger buffer: the numbers are copied to where they are aligned. */
function numbersOf(value: Buffer, type: number): Float32Array | undefined {
  const { buffer } = new Uint8Array(value.subarray(HEADER_BYTES));
  if (type === FLOAT32 && buffer.byteLength % 4 === 0) return new Float32Array(buffer);
  if (type === FLOAT16 && buffer.byteLength % 2 === 0) return new Float32Array(new Float16Array(buffer));
  return undefined;
}
