import { cp, mkdir, mkdtemp, open, readdir, rm, utimes } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@eidetic/config';
import { convertCheckpoint, DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { conversionOf, loadBundle } from './load-bundle.ts';
import { MODEL_SETTINGS, modelPlanOf } from './settings.ts';

const { signal } = new AbortController();
const onProgress = (): void => {};
const ALL = ['vision', 'decoder'] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eidetic-loader-'));
  await convertCheckpoint({
    checkpointDirectory: join(import.meta.dirname, '../../../models/qwen-vl-nano-chat'),
    bundleDirectory: join(folder, 'bundle'),
    family: qwenVlExport,
    precisions: { ...DEFAULT_PRECISIONS, decoder: 'int4' },
    activations: 'float32',
    name: 'mine',
  });
});
afterAll(() => rm(folder, { recursive: true }));

it('serves a bundle as it is, under its own name', async () => {
  const config = loadConfig(MODEL_SETTINGS, { EIDETIC_MODEL: join(folder, 'bundle') });
  expect(modelPlanOf(config).modelName).toBe('mine');
  const bundle = await loadBundle(config, { onProgress, signal }, ALL);
  expect(bundle.directory).toBe(join(folder, 'bundle'));
  expect(bundle.manifest.decoder.precision).toBe('int4');
});

it('removes from the cache what killed conversions and packings of other models left', async () => {
  const cache = join(folder, 'cache');
  // The largest process id of Linux plus one never runs.
  const owner = `partial-${hostname()}-4194305-1`;
  const leave = async (name: string): Promise<void> => {
    await mkdir(join(cache, name), { recursive: true });
    await utimes(join(cache, name), 1, 1);
  };
  await leave(`other-0123456789ab.${owner}`);
  await leave(`packed/other-decoder-0123456789abcdef.${owner}`);
  await leave(`converted-by-hand.${owner}`);
  const config = loadConfig(MODEL_SETTINGS, { EIDETIC_MODEL: join(folder, 'bundle'), EIDETIC_CACHE_DIR: cache });
  await loadBundle(config, { onProgress, signal }, []);
  expect(await readdir(cache)).toEqual([`converted-by-hand.${owner}`, 'packed', 'verified']);
  expect(await readdir(join(cache, 'packed'))).toEqual([]);
});

it.runIf(process.platform === 'linux')(
  'refuses a cache folder that the system cannot make, and says which',
  async () => {
    const EIDETIC_CACHE_DIR = '/proc/eidetic/cache';
    const checkpoint = loadConfig(MODEL_SETTINGS, { EIDETIC_CACHE_DIR });
    await expect(loadBundle(checkpoint, { onProgress, signal }, ALL)).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(
        /^\/proc\/eidetic\/cache cannot be written \(ENOENT.*another folder with EIDETIC_CACHE_DIR/,
      ),
    });
    // A bundle needs no room there: only that its files were whole is not remembered.
    const bundle = loadConfig(MODEL_SETTINGS, { EIDETIC_CACHE_DIR, EIDETIC_MODEL: join(folder, 'bundle') });
    expect((await loadBundle(bundle, { onProgress, signal }, ALL)).directory).toBe(join(folder, 'bundle'));
  },
);

it('does not serve a bundle of which a byte is another', async () => {
  const broken = join(folder, 'broken');
  await cp(join(folder, 'bundle'), broken, { recursive: true });
  const file = await open(join(broken, 'decoder.data'), 'r+');
  await file.write(Buffer.from([255]), 0, 1, 5000);
  await file.close();
  const config = loadConfig(MODEL_SETTINGS, { EIDETIC_MODEL: broken });
  await expect(loadBundle(config, { onProgress, signal }, ALL)).rejects.toMatchObject({ code: 'invalid_bundle' });
});

it.each([
  ['a CPU', {}, 'float32', { vision: 'float32', decoder: { unlessQuantized: 'int8' }, head: 'int8' }],
  [
    'a GPU',
    { EIDETIC_PROVIDER: 'cuda' },
    'float16',
    { vision: 'float16', decoder: { unlessQuantized: 'float16' }, head: 'float16' },
  ],
  [
    'a GPU, with int4',
    { EIDETIC_PROVIDER: 'cuda', EIDETIC_DECODER_PRECISION: 'int4' },
    'float16',
    { vision: 'float16', decoder: 'int4', head: 'float16' },
  ],
])('converts for %s as that does best, unless it is told otherwise', (_, env, activations, precisions) => {
  expect(conversionOf(loadConfig(MODEL_SETTINGS, env))).toMatchObject({ activations, precisions });
});
