import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../src/index.ts';
import { checkpointFolder, type Files } from './checkpoint-folder.ts';
import {
  asZip64,
  entriesOf,
  hostileOpcodes,
  mutateBytes,
  mutateJson,
  mutatePickle,
  mutateZip,
  type Random,
  safetensorsParts,
  withPickle,
} from './mutations.ts';
import { safetensorsFile, writeSafetensors } from './write-safetensors.ts';

/** Mutations of each kind; more find more. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 1500);
/** Far more than they take; most of it goes into writing files. */
const TIMEOUT_MS = 30_000 + 20 * RUNS;
/** What reading all of them may take beyond what the process had. */
const MEMORY_BYTES = 200 * 1024 * 1024;

const genuine = await readFile(join(import.meta.dirname, 'data/torch/pytorch_model-00001-of-00002.bin'));
const zip64 = asZip64(genuine);
const entries = entriesOf(genuine);
const pickle = entries.find(({ name }) => name.endsWith('/data.pkl'))?.data ?? Buffer.alloc(0);

const tensor = (dtype: string, shape: readonly number[], bytes: number) => ({
  dtype,
  shape,
  bytes: new Uint8Array(bytes),
});
const float = writeSafetensors({
  'a.weight': tensor('BF16', [3, 2], 12),
  'a.bias': tensor('F32', [2], 8),
  'a.index': tensor('I64', [], 8),
});
/** A layer that GPTQ quantised: 8 rows of 32 columns, in one group. */
const gptq = writeSafetensors({
  'h.qweight': tensor('I32', [4, 8], 128),
  'h.qzeros': tensor('I32', [1, 1], 4),
  'h.scales': tensor('F16', [1, 8], 16),
  'h.g_idx': tensor('I32', [32], 128),
  'h.bias': tensor('F16', [8], 16),
});
const header = safetensorsParts(gptq);
const index = JSON.stringify({
  metadata: { total_size: 320 },
  weight_map: {
    ...Object.fromEntries(['a.weight', 'a.bias', 'a.index'].map((name) => [name, 'one.safetensors'])),
    ...Object.fromEntries(
      ['qweight', 'qzeros', 'scales', 'g_idx', 'bias'].map((name) => [`h.${name}`, 'two.safetensors']),
    ),
  },
});

/** Numerical Recipes' linear congruential generator: the same mutations on every run. */
function* randomNumbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

/** A kind of mutation: what else is in the folder, the file that is mutated, and how; `hostile` are opcodes to mix in. */
interface Kind {
  readonly files?: Files;
  readonly name: string;
  readonly original: Buffer;
  readonly mutate: (random: Random, hostile: readonly Buffer[]) => Buffer;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'bytes of safetensors': {
    name: 'model.safetensors',
    original: float,
    mutate: (random) => mutateBytes(float, random),
  },
  'headers of safetensors of a GPTQ layer': {
    name: 'model.safetensors',
    original: gptq,
    mutate: (random) => safetensorsFile(mutateJson(header.header, random).toString(), header.data),
  },
  'bytes of a PyTorch archive': {
    name: 'pytorch_model.bin',
    original: genuine,
    mutate: (random) => mutateBytes(genuine, random),
  },
  'opcodes of a pickle': {
    name: 'pytorch_model.bin',
    original: withPickle(entries, pickle),
    mutate: (random, hostile) => withPickle(entries, mutatePickle(pickle, hostile, random)),
  },
  'headers of a zip archive': {
    name: 'pytorch_model.bin',
    original: zip64,
    mutate: (random) => mutateZip(random(2) === 0 ? genuine : zip64, random),
  },
  'an index': {
    files: { 'one.safetensors': float, 'two.safetensors': gptq },
    name: 'model.safetensors.index.json',
    original: Buffer.from(index),
    mutate: (random) => mutateJson(index, random),
  },
};

/** Opens the folder and reads every tensor, whole; or finds it refused in the way of the taxonomy. */
async function read(path: string): Promise<'read' | 'refused'> {
  try {
    await using checkpoint = await openCheckpoint(path);
    for (const [name, { sizeBytes }] of checkpoint.tensors) {
      expect(await checkpoint.readRaw(name)).toHaveLength(sizeBytes);
    }
    return 'read';
  } catch (error) {
    if (!(error instanceof EideticError) || error.code !== 'invalid_checkpoint') throw error;
    return 'refused';
  }
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

describe('a checkpoint of which was changed', () => {
  const figures: Record<string, object> = {};
  afterAll(() => {
    if (process.env.FUZZ_RUNS !== undefined) console.table(figures);
  });

  it.each(Object.entries(KINDS))(
    '%s: is read whole or refused, and does nothing',
    async (kind, { files, name, ...how }) => {
      const numbers = randomNumbers(20231);
      const random: Random = (bound) => numbers.next().value % bound;
      await using folder = await checkpointFolder({ ...files, [name]: how.original });
      expect(await read(folder.path)).toBe('read');
      const marker = join(folder.path, 'executed');
      const hostile = hostileOpcodes(`touch ${marker}`);
      const counts = { read: 0, refused: 0 };
      const [peakBefore, startedMs] = [peakBytes(), performance.now()];
      for (let i = 0; i < RUNS; i++) {
        await writeFile(join(folder.path, name), how.mutate(random, hostile));
        counts[await read(folder.path)]++;
      }
      const grownBytes = peakBytes() - peakBefore;
      const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
      figures[kind] = { ...counts, 'peak grew by MiB': Math.round(grownBytes / 2 ** 20), seconds };
      // Some changes do not matter (data, dates, checksums, the order of keys); most do.
      expect(counts.refused).toBeGreaterThan(RUNS / 3);
      expect(counts.read).toBeGreaterThan(0);
      expect(grownBytes).toBeLessThan(MEMORY_BYTES);
      await expect(stat(marker)).rejects.toMatchObject({ code: 'ENOENT' });
    },
    TIMEOUT_MS,
  );
});
