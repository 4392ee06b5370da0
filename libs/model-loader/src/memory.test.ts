import { readFileSync } from 'node:fs';
import type { Bundle, Manifest } from '@eidetic/bundle';
import { expect, it } from 'vitest';
import { memoryNeeded, memoryWarning } from './memory.ts';

const GIB = 2 ** 30;

/** As wide and deep as Qwen-VL-Chat. */
const bundle = {
  manifest: {
    files: [
      { path: 'vision.onnx', size: 1, sha256: '' },
      { path: 'vision.data', size: 8 * GIB, sha256: '' },
      { path: 'decoder.data', size: 4 * GIB, sha256: '' },
      { path: 'token-embeddings.bin', size: GIB, sha256: '' },
    ],
    vision: { graph: 'vision.onnx' },
    embeddings: { file: 'token-embeddings.bin' },
    decoder: {
      graph: 'decoder.onnx',
      layers: 32,
      kvHeads: 32,
      headDim: 128,
      dtype: 'float32',
      maxPositions: 8192,
    },
  } as unknown as Manifest,
} as Bundle;

const decoder = { parts: ['decoder'], slots: 4, maxContext: 2048, cachesBytes: 0 } as const;

it('counts a MiB for each position of each slot, and the weights of what is loaded', () => {
  expect(memoryNeeded(bundle, decoder)).toMatchObject({ weights: 5 * GIB, keysAndValues: 8 * GIB });
  expect(memoryNeeded(bundle, { ...decoder, maxContext: 0 }).keysAndValues).toBe(32 * GIB);
  const vision = memoryNeeded(bundle, { ...decoder, parts: ['vision'] });
  expect(vision).toMatchObject({ weights: 8 * GIB + 1, keysAndValues: 0 });
});

it('warns with the numbers when a server may need more memory than is free', async () => {
  expect(await memoryWarning(bundle, decoder, { free: 14 * GIB, whole: 16 * GIB })).toBeUndefined();
  const warning = await memoryWarning(bundle, decoder, { free: 12 * GIB, whole: 16 * GIB });
  expect(warning).toMatch(
    /up to 13\.3 GiB .*5\.0 of weights, 8\.0 of keys and values in 4 slots.* 12\.0 of 16\.0 GiB are free/,
  );
  expect(warning).toContain('EIDETIC_SLOTS');
});

it('looks at this machine when it is told of no other', async () => {
  const everything = Number(/^MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  const needs = { ...decoder, cachesBytes: everything };
  expect(await memoryWarning(bundle, needs)).toMatch(/^Warning: up to/);
});
