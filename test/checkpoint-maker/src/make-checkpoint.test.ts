import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint } from '@eidetic/checkpoint';
import { parseConfig } from '@eidetic/qwen-vl';
import { expectedTensors, qwenVlExport } from '@eidetic/qwen-vl/export';
import { describe, expect, it } from 'vitest';
import { fullSizeConfig } from './full-size.ts';
import { makeCheckpoint } from './make-checkpoint.ts';
import { SHARD_BYTES, sizeOf, splitIntoShards } from './shards.ts';

/** The embedded checkpoint's sizes: small enough to be written at once. */
const SMALL = JSON.parse(
  await readFile(join(import.meta.dirname, '../../../models/qwen-vl-nano-chat/config.json'), 'utf8'),
);

const folder = () => mkdtempDisposable(join(tmpdir(), 'checkpoint-maker-'));

describe('the full size', () => {
  const tensors = Array.from(expectedTensors(parseConfig(fullSizeConfig())), ([name, shape]) => ({ name, shape }));
  const shards = splitIntoShards(tensors, SHARD_BYTES);

  it('lies in ten shards with as many tensors as the published ones', () => {
    expect(shards.map((shard) => shard.length)).toEqual([16, 39, 39, 38, 38, 38, 39, 230, 312, 64]);
    expect(tensors.reduce((sum, tensor) => sum + sizeOf(tensor), 0)).toBe(19_313_870_336);
  });

  it('straddles layers over shards where the published one does', () => {
    expect(shards[0]?.at(-1)?.name).toBe('transformer.h.1.mlp.w2.weight');
    expect(shards[9]?.at(-1)?.name).toBe('lm_head.weight');
    const blocks = shards[8]?.flatMap(({ name }) => /resblocks\.(\d+)/.exec(name)?.[1] ?? []);
    expect([blocks?.[0], blocks?.at(-1)]).toEqual(['17', '43']);
  });
});

describe.each(['torch', 'safetensors'] as const)('a checkpoint in %s files', (format) => {
  it('is read, and planned by the family', async () => {
    await using directory = await folder();
    await makeCheckpoint(directory.path, { config: SMALL, format, shardBytes: 8_000_000 });
    await using checkpoint = await openCheckpoint(directory.path);
    expect([...checkpoint.tensors.values()].every(({ dtype }) => dtype === 'bfloat16')).toBe(true);
    expect(new Set(Array.from(checkpoint.tensors.values(), ({ file }) => file)).size).toBeGreaterThan(2);
    expect(await qwenVlExport.plan(checkpoint)).toMatchObject({ generation: { chatFormat: 'chatml' } });
  });

  it('holds numbers of a trained model’s size, none of them a denormal', async () => {
    await using directory = await folder();
    await makeCheckpoint(directory.path, { config: SMALL, format });
    await using checkpoint = await openCheckpoint(directory.path);
    const numbers = await checkpoint.readFloat32('transformer.h.0.mlp.w1.weight');
    const deviation = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
    expect(deviation).toBeCloseTo(320 ** -0.5, 3);
    for (const name of checkpoint.tensors.keys()) {
      const all = await checkpoint.readFloat32(name);
      expect(all.every((x) => Math.abs(x) > 1e-20 && Math.abs(x) < 100)).toBe(true);
    }
  });
});

it('writes the base model, which has no turns', async () => {
  await using directory = await folder();
  await makeCheckpoint(directory.path, { config: SMALL, chatFormat: 'raw' });
  await using checkpoint = await openCheckpoint(directory.path);
  const { generation } = await qwenVlExport.plan(checkpoint);
  expect(generation).toMatchObject({ chatFormat: 'raw', stopTokenIds: [4096] });
});

it('gives the same weights for the same seed only', async () => {
  const identityOf = async (seed: number): Promise<string> => {
    await using directory = await folder();
    await makeCheckpoint(directory.path, { config: SMALL, seed });
    await using checkpoint = await openCheckpoint(directory.path);
    return await checkpoint.identity();
  };
  expect(await identityOf(1)).toBe(await identityOf(1));
  expect(await identityOf(1)).not.toBe(await identityOf(2));
});
