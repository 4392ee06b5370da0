import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/** Storage of a tensor in a GGUF file. The quantised ones hold blocks of 32 values and one float16 scale. */
export type GgufType = 'f32' | 'f16' | 'q8_0' | 'q4_0';

/** A metadata value: a string, a uint32, a float32 or a list of strings. */
export type GgufValue = string | number | { readonly float32: number } | readonly string[];

/** A tensor to write. `load` is called once, when its turn comes, and returns all elements in row-major order. */
export interface GgufTensor {
  readonly name: string;
  /** Row-major, slowest dimension first; the last one is a multiple of 32 in the quantised types. */
  readonly shape: readonly number[];
  readonly type: GgufType;
  readonly load: () => Promise<Float32Array>;
}

const BLOCK = 32;
const ALIGNMENT = 32;

/** ggml type id and bytes per block of `values`; ids and layouts from ggml.h and ggml-common.h. */
const FORMATS = {
  f32: { id: 0, values: 1, bytes: 4, encode: encodeF32 },
  f16: { id: 1, values: 1, bytes: 2, encode: encodeF16 },
  q4_0: { id: 2, values: BLOCK, bytes: 2 + BLOCK / 2, encode: encodeQ4 },
  q8_0: { id: 8, values: BLOCK, bytes: 2 + BLOCK, encode: encodeQ8 },
} as const satisfies Record<
  GgufType,
  { id: number; values: number; bytes: number; encode: (x: Float32Array) => Uint8Array }
>;

/** Elements of a tensor. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes that `count` values take in `type`. */
export function storedBytes(count: number, type: GgufType): number {
  const { values, bytes } = FORMATS[type];
  return Math.ceil(count / values) * bytes;
}

/** Values in the layout of `type`, little endian. Their number must be a multiple of its block. */
export function encodeTensor(values: Float32Array, type: GgufType): Uint8Array {
  return FORMATS[type].encode(values);
}

/**
 * Writes a GGUF version 3 file. One tensor is in memory at a time.
 *
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export async function writeGguf(
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Promise<void> {
  const file = createWriteStream(path);
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!file.write(bytes)) await once(file, 'drain');
  };
  await write(header(metadata, tensors));
  for (const tensor of tensors) {
    const bytes = encodeTensor(await tensor.load(), tensor.type);
    await write(bytes);
    await write(new Uint8Array(align(bytes.length) - bytes.length));
  }
  file.end();
  await finished(file);
}

function align(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

function header(metadata: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const u32 = (value: number) => chunks.push(new Uint8Array(Uint32Array.of(value).buffer));
  const u64 = (value: number) => chunks.push(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    u64(bytes.length);
    chunks.push(bytes);
  };
  chunks.push(new TextEncoder().encode('GGUF'));
  u32(3);
  u64(tensors.length);
  u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    if (typeof value === 'string') {
      u32(8);
      text(value);
    } else if (typeof value === 'number') {
      u32(4);
      u32(value);
    } else if ('float32' in value) {
      u32(6);
      chunks.push(new Uint8Array(Float32Array.of(value.float32).buffer));
    } else {
      u32(9);
      u32(8);
      u64(value.length);
      value.forEach(text);
    }
  }
  let offset = 0;
  for (const { name, shape, type } of tensors) {
    text(name);
    u32(shape.length);
    for (const size of shape.toReversed()) u64(size);
    u32(FORMATS[type].id);
    u64(offset);
    offset += align(storedBytes(elementCount(shape), type));
  }
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  chunks.push(new Uint8Array(align(size) - size));
  return Buffer.concat(chunks);
}

function encodeF32(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function encodeF16(values: Float32Array): Uint8Array {
  return new Uint8Array(Float16Array.from(values).buffer);
}

/** quantize_row_q8_0_ref: scale = largest magnitude / 127, then signed bytes. */
function encodeQ8(values: Float32Array): Uint8Array {
  const out = new DataView(new ArrayBuffer(storedBytes(values.length, 'q8_0')));
  for (let from = 0, at = 0; from < values.length; from += BLOCK, at += FORMATS.q8_0.bytes) {
    const block = values.subarray(from, from + BLOCK);
    const scale = Math.abs(extreme(block)) / 127;
    const inverse = scale === 0 ? 0 : 1 / scale;
    out.setFloat16(at, scale, true);
    block.forEach((value, i) => {
      out.setInt8(at + 2 + i, Math.round(value * inverse));
    });
  }
  return new Uint8Array(out.buffer);
}

/** quantize_row_q4_0_ref: scale = signed extreme / -8; value i in the low nibble of byte i, i + 16 in its high nibble. */
function encodeQ4(values: Float32Array): Uint8Array {
  const out = new DataView(new ArrayBuffer(storedBytes(values.length, 'q4_0')));
  for (let from = 0, at = 0; from < values.length; from += BLOCK, at += FORMATS.q4_0.bytes) {
    const block = values.subarray(from, from + BLOCK);
    const scale = extreme(block) / -8;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const nibble = (i: number) => Math.min(15, Math.floor((block[i] ?? 0) * inverse + 8.5));
    out.setFloat16(at, scale, true);
    for (let i = 0; i < BLOCK / 2; i++) out.setUint8(at + 2 + i, nibble(i) | (nibble(i + BLOCK / 2) << 4));
  }
  return new Uint8Array(out.buffer);
}

/** The value of largest magnitude, with its sign. */
function extreme(values: Float32Array): number {
  let found = 0;
  for (const value of values) if (Math.abs(value) > Math.abs(found)) found = value;
  return found;
}
