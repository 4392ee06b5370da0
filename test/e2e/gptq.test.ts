import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, openBundle, type Precision } from '@eidetic/bundle';
import { openCheckpoint } from '@eidetic/checkpoint';
import { loadConfig } from '@eidetic/config';
import { bundleDirectoryOf, convertCheckpoint } from '@eidetic/exporter';
import { conversionOf, loadBundle, MODEL_SETTINGS } from '@eidetic/model-loader';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eidetic } from '../../services/cli/test/eidetic.ts';
import { CHECKPOINT_DIRECTORY } from '../support/bundles.ts';
import { evaluate } from '../support/evaluate.ts';
import { type GptqCheckpoints, writeGptqCheckpoints } from '../support/gptq-checkpoint.ts';

let directory: string;
let checkpoints: GptqCheckpoints;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-gptq-'));
  checkpoints = await writeGptqCheckpoints(directory, await largestGroup());
});

afterAll(() => rm(directory, { recursive: true }));

/** The largest group that divides every matrix of the embedded checkpoint. */
async function largestGroup(): Promise<number> {
  await using checkpoint = await openCheckpoint(CHECKPOINT_DIRECTORY);
  const columns = [...checkpoint.tensors]
    .filter(([name]) => /\.h\.0\.(attn|mlp)\..*\.weight$/.test(name))
    .map(([, { shape }]) => shape[1] ?? 0);
  return [128, 64, 32].find((size) => columns.every((count) => count % size === 0)) ?? 0;
}

const convert = (
  change: { bundle?: string; decoder?: Precision; checkpointDirectory?: string } = {},
): Promise<Bundle> =>
  convertCheckpoint({
    checkpointDirectory: change.checkpointDirectory ?? checkpoints.packed,
    bundleDirectory: join(directory, change.bundle ?? 'refused'),
    family: qwenVlExport,
    precisions: { vision: 'float32', decoder: change.decoder ?? 'int4', head: 'float32' },
    activations: 'float32',
    name: 'qwen-vl-nano-chat',
  });

/** Has a bundle compute with activations that are not rounded, so that only the weights count. */
async function keepActivations({ manifest, path }: Bundle): Promise<void> {
  const file = path(manifest.decoder.graph);
  // An attribute's number follows its name: accuracy level 4 becomes 0.
  const graph = (await readFile(file, 'latin1')).replaceAll('accuracy_level\x18\x04', 'accuracy_level\x18\x00');
  await writeFile(file, graph, 'latin1');
  const sha256 = createHash('sha256').update(graph, 'latin1').digest('hex');
  const files = manifest.files.map((entry) => (entry.path === manifest.decoder.graph ? { ...entry, sha256 } : entry));
  await writeFile(path('manifest.json'), JSON.stringify({ ...manifest, files }));
}

it('is answered for as by a float model with the weights it stands for', async () => {
  const floats = await convert({
    checkpointDirectory: checkpoints.floats,
    bundle: 'floats-bundle',
    decoder: 'float32',
  });
  const packed = await convert({ bundle: 'packed-bundle' });
  const { outputs } = await evaluate({ EIDETIC_MODEL: floats.directory });
  // As a CPU computes it, activations are rounded too, which may turn a coordinate.
  const rounded = await evaluate({ EIDETIC_MODEL: packed.directory });
  const same = Object.entries(rounded.outputs).filter(([id, output]) => output === outputs[id]);
  expect(same.length).toBeGreaterThanOrEqual(0.9 * Object.keys(outputs).length);
  await keepActivations(packed);
  const exact = await evaluate({ EIDETIC_MODEL: packed.directory });
  expect(exact.outputs).toEqual(outputs);
}, 120_000);

it.each([
  ['a CPU', 'cpu', 'float32'],
  ['a GPU', 'cuda', 'float16'],
])('is converted for %s in int4 where the precision is left to Eidetic', async (_, provider, dtype) => {
  const settings = { EIDETIC_MODEL: checkpoints.packed, EIDETIC_CACHE_DIR: join(directory, 'cache') };
  const config = loadConfig(MODEL_SETTINGS, { ...settings, EIDETIC_PROVIDER: provider });
  const { signal } = new AbortController();
  const { manifest, directory: kept } = await loadBundle(config, { onProgress: () => {}, signal }, []);
  expect(manifest.decoder).toMatchObject({ precision: 'int4', dtype });
  const asked = loadConfig(MODEL_SETTINGS, {
    ...settings,
    EIDETIC_PROVIDER: provider,
    EIDETIC_DECODER_PRECISION: 'int4',
  });
  expect(await bundleDirectoryOf(conversionOf(asked))).toBe(kept);
});

it('is converted in int4 by a command that says nothing of it', async () => {
  const bundle = join(directory, 'by-command');
  expect(await eidetic(['convert', checkpoints.packed, bundle])).toMatchObject({ status: 0 });
  expect((await openBundle(bundle)).manifest).toMatchObject({
    vision: { precision: 'float32' },
    decoder: { precision: 'int4', headPrecision: 'int8' },
  });
});

it.each(['int8', 'float32'] as const)('is not had in %s, which says what to set', async (decoder) => {
  await expect(convert({ decoder })).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(/can be had in int4.*EIDETIC_DECODER_PRECISION=int4/),
  });
});

it('names what a checkpoint that says it is quantised lacks', async () => {
  const config = JSON.parse(await readFile(join(checkpoints.packed, 'config.json'), 'utf8'));
  await writeFile(join(checkpoints.floats, 'quantize_config.json'), JSON.stringify(config.quantization_config));
  await expect(convert({ checkpointDirectory: checkpoints.floats })).rejects.toMatchObject({
    code: 'invalid_checkpoint',
    message: expect.stringMatching(/Missing: \d+ .*transformer\.h\.[^ ]+\.attn\.c_attn\.qweight/),
  });
});
