import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readGgufFileInfo } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeTensor, storedBytes, writeGguf } from './gguf.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('writeGguf', () => {
  it('writes what the peer’s own reader reads back, every tensor on its aligned place', async () => {
    const path = join(folder, 'small.gguf');
    const values = Float32Array.from({ length: 96 }, (_, i) => i - 48);
    const metadata = {
      'general.architecture': 'qwen',
      'qwen.block_count': 6,
      'qwen.rope.freq_base': { float32: 10000.5 },
      'tokenizer.ggml.tokens': ['a', '好', ''],
    };
    await writeGguf(path, metadata, [
      { name: 'norm', shape: [3], type: 'f32', load: async () => values.subarray(0, 3) },
      { name: 'matrix', shape: [3, 32], type: 'q8_0', load: async () => values },
      { name: 'last', shape: [96], type: 'f16', load: async () => values },
    ]);
    const info = await readGgufFileInfo(path, { logWarnings: false });
    expect(info.version).toBe(3);
    expect(info.metadata).toMatchObject({
      general: { architecture: 'qwen' },
      qwen: { block_count: 6, rope: { freq_base: 10000.5 } },
      tokenizer: { ggml: { tokens: ['a', '好', ''] } },
    });
    const tensors = info.fullTensorInfo ?? [];
    expect(tensors.map(({ name, dimensions, ggmlType, offset }) => [name, dimensions, ggmlType, offset])).toEqual([
      ['norm', [3], 0, 0],
      ['matrix', [32, 3], 8, 32],
      ['last', [96], 1, 160],
    ]);
    const bytes = await readFile(path);
    const { fileOffset = 0 } = tensors[2] ?? {};
    const last = new Float16Array(new Uint8Array(bytes.subarray(Number(fileOffset), Number(fileOffset) + 192)).buffer);
    expect([...last]).toEqual([...values]);
  });
});

describe('encodeTensor', () => {
  const block = fc.float32Array({ minLength: 32, maxLength: 32, noNaN: true, min: -100, max: 100 });

  it('q8_0 keeps every value within half a step of the largest over 127', () => {
    fc.assert(
      fc.property(block, (values) => {
        const encoded = encodeTensor(values, 'q8_0');
        const view = new DataView(encoded.buffer);
        const scale = view.getFloat16(0, true);
        const step = Math.max(...values.map(Math.abs)) / 127;
        values.forEach((value, i) => {
          const rounding = Math.abs(view.getInt8(2 + i)) * step * 2 ** -10;
          expect(Math.abs(view.getInt8(2 + i) * scale - value)).toBeLessThanOrEqual(step / 2 + rounding + 1e-5);
        });
      }),
    );
  });

  it('q4_0 keeps every value within a step of the largest over 8, in ggml’s nibble order', () => {
    fc.assert(
      fc.property(block, (values) => {
        const encoded = encodeTensor(values, 'q4_0');
        const scale = new DataView(encoded.buffer).getFloat16(0, true);
        const step = Math.max(...values.map(Math.abs)) / 8;
        values.forEach((value, i) => {
          const byte = encoded[2 + (i % 16)] ?? 0;
          const level = (i < 16 ? byte & 15 : byte >> 4) - 8;
          expect(Math.abs(level * scale - value)).toBeLessThanOrEqual(step * 1.01 + 1e-5);
        });
      }),
    );
  });

  it('takes the bytes that ggml names for each block', () => {
    const sizes = (['f32', 'f16', 'q8_0', 'q4_0'] as const).map((type) => {
      expect(encodeTensor(new Float32Array(64), type)).toHaveLength(storedBytes(64, type));
      return storedBytes(64, type);
    });
    expect(sizes).toEqual([256, 128, 68, 36]);
  });
});
