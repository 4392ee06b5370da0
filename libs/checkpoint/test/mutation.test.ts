import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../src/index.ts';
import { checkpointFolder } from './checkpoint-folder.ts';
import { writeSafetensors } from './write-safetensors.ts';

const MUTATIONS = 3000;
const genuine = await readFile(join(import.meta.dirname, 'data/torch/pytorch_model-00001-of-00002.bin'));
const safetensors = writeSafetensors({
  'a.weight': { dtype: 'BF16', shape: [3, 2], bytes: new Uint8Array(12) },
  'a.bias': { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) },
  'a.index': { dtype: 'I64', shape: [], bytes: new Uint8Array(8) },
});

/** Values at which length, offset and count fields break. */
const SHARP = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x2d, 0x2e, 0x30, 0x7b];

/** Numerical Recipes' linear congruential generator: the same mutations on every run. */
function* randomNumbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

/** Overwrites, deletes, repeats or cuts a few bytes. */
function mutate(original: Buffer, random: (bound: number) => number): Buffer {
  let bytes = Buffer.from(original);
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(Math.max(1, bytes.length));
    const length = 1 + random(8);
    const kind = random(8);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    else if (kind === 2) bytes = bytes.subarray(0, Math.max(1, at));
    else if (kind === 3) bytes.fill(SHARP[random(SHARP.length)] ?? 0, at, Math.min(at + length, bytes.length));
    else bytes[at] = kind === 4 ? random(256) : (SHARP[random(SHARP.length)] ?? 0);
  }
  return bytes;
}

it.each([
  ['model.safetensors', safetensors],
  ['pytorch_model.bin', genuine],
] as const)('every mutation of a valid %s is read whole or refused', async (name, original) => {
  const numbers = randomNumbers(20231);
  const random = (bound: number): number => numbers.next().value % bound;
  await using folder = await checkpointFolder({});
  let refused = 0;
  const rssBefore = process.memoryUsage().rss;
  for (let i = 0; i < MUTATIONS; i++) {
    await writeFile(join(folder.path, name), mutate(original, random));
    try {
      await using checkpoint = await openCheckpoint(folder.path);
      for (const [tensor, { sizeBytes }] of checkpoint.tensors) {
        expect(await checkpoint.readRaw(tensor)).toHaveLength(sizeBytes);
      }
    } catch (error) {
      if (!(error instanceof EideticError) || error.code !== 'invalid_checkpoint') throw error;
      refused++;
    }
  }
  // Some bytes do not matter (data, dates, checksums); most do.
  expect(refused).toBeGreaterThan(MUTATIONS / 3);
  expect(refused).toBeLessThan(MUTATIONS);
  expect(process.memoryUsage().rss - rssBefore).toBeLessThan(200 * 1024 * 1024);
});
