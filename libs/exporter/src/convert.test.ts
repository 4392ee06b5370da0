import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBundle, verifyBundle } from '@eidetic/bundle';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tinyFamily } from '../test/tiny-family.ts';
import { type ConvertOptions, convertCheckpoint, ensureBundle } from './convert.ts';
import { JOURNAL_FILE } from './journal.ts';
import type { ConvertProgress } from './watched-weights.ts';

let directory: string;
let options: ConvertOptions;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-convert-'));
  const checkpointDirectory = join(directory, 'tiny');
  await mkdir(checkpointDirectory);
  await writeCheckpoint(checkpointDirectory, 0);
  const precisions = { vision: 'float32', decoder: 'float32', head: 'float32' } as const;
  options = { checkpointDirectory, family: tinyFamily, precisions, activations: 'float32' };
});

afterEach(() => rm(directory, { recursive: true }));

/** safetensors: header length, header, data. */
async function writeCheckpoint(folder: string, salt: number): Promise<void> {
  const header = JSON.stringify({ w: { dtype: 'F32', shape: [32, 32], data_offsets: [0, 4096] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const data = Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i + salt));
  await writeFile(
    join(folder, 'model.safetensors'),
    Buffer.concat([length, Buffer.from(header), Buffer.from(data.buffer)]),
  );
  await writeFile(join(folder, 'config.json'), '{}');
  await writeFile(join(folder, 'ranks'), 'IQ== 0\n');
}

describe('convertCheckpoint', () => {
  it('writes a bundle that opens and whose checksums hold', async () => {
    const bundle = await convertCheckpoint({ ...options, bundleDirectory: join(directory, 'out') });
    await verifyBundle(bundle);
    expect(bundle.manifest).toMatchObject({ name: 'tiny', family: 'tiny', embeddings: { dtype: 'float32', rows: 32 } });
    expect(await readdir(directory)).toEqual(['out', 'tiny']);
  });

  it('gives the same fingerprint to the same encoder, and another to another precision', async () => {
    const fingerprint = async (name: string, precision: 'float32' | 'int8') => {
      const precisions = { vision: precision, decoder: 'float32', head: 'float32' } as const;
      const bundle = await convertCheckpoint({ ...options, precisions, bundleDirectory: join(directory, name) });
      return bundle.manifest.vision.fingerprint;
    };
    expect(await fingerprint('a', 'float32')).toBe(await fingerprint('b', 'float32'));
    expect(await fingerprint('c', 'int8')).not.toBe(await fingerprint('d', 'float32'));
  });

  describe('of a language model that is quantised to int4 already', () => {
    const convert = (decoder: ConvertOptions['precisions']['decoder']) =>
      convertCheckpoint({
        ...options,
        family: { ...tinyFamily, quantizedTo: () => 'int4' },
        precisions: { vision: 'float32', decoder, head: 'int8' },
        bundleDirectory: join(directory, 'out'),
      });

    it('keeps that precision where it was left open, and where it was asked for', async () => {
      const { manifest } = await convert({ unlessQuantized: 'int8' });
      expect(manifest).toMatchObject({ vision: { precision: 'float32' }, decoder: { precision: 'int4' } });
      await rm(join(directory, 'out'), { recursive: true });
      expect((await convert('int4')).manifest).toEqual(manifest);
    });

    it('refuses another one, and says what to set', async () => {
      await expect(convert('int8')).rejects.toMatchObject({
        code: 'invalid_config',
        message: expect.stringMatching(/can be had in int4, not in int8.*EIDETIC_DECODER_PRECISION=int4/),
      });
      expect(await readdir(directory)).toEqual(['tiny']);
    });
  });

  it('takes the precision that was left open where nothing is quantised yet', async () => {
    const precisions = { ...options.precisions, decoder: { unlessQuantized: 'int8' } } as const;
    const { manifest } = await convertCheckpoint({ ...options, precisions, bundleDirectory: join(directory, 'out') });
    expect(manifest.decoder.precision).toBe('int8');
  });

  it('refuses to write over a folder', async () => {
    const conversion = convertCheckpoint({ ...options, bundleDirectory: options.checkpointDirectory });
    await expect(conversion).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/exists already/),
    });
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const signal = AbortSignal.abort();
    const conversion = convertCheckpoint({ ...options, signal, bundleDirectory: join(directory, 'out') });
    await expect(conversion).rejects.toMatchObject({ code: 'cancelled' });
    expect(await readdir(directory)).toEqual(['tiny']);
  });

  it('reports progress up to the last byte', async () => {
    const seen: number[] = [];
    const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }): void => {
      seen.push(doneBytes / totalBytes);
    };
    await convertCheckpoint({ ...options, onProgress, bundleDirectory: join(directory, 'out') });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('names a tokenizer file that is missing', async () => {
    await rm(join(options.checkpointDirectory, 'ranks'));
    const conversion = convertCheckpoint({ ...options, bundleDirectory: join(directory, 'out') });
    await expect(conversion).rejects.toMatchObject({
      code: 'invalid_checkpoint',
      message: expect.stringMatching(/ranks/),
    });
    expect(await readdir(directory)).toEqual(['tiny']);
  });
});

describe('a conversion that was cut off', () => {
  const target = (): string => join(directory, 'out');
  const partial = async (): Promise<string | undefined> => {
    const found = (await readdir(directory)).find((name) => name.startsWith('out.partial-'));
    return found && join(directory, found);
  };
  const convert = (more: Partial<ConvertOptions> = {}) =>
    convertCheckpoint({ ...options, ...more, bundleDirectory: target() });

  /** Converts again; returns what had been read before, and the checksums of the bundle's files. */
  async function convertAgain(more: Partial<ConvertOptions> = {}) {
    let earlierBytes = 0;
    const onProgress = (progress: ConvertProgress): void => {
      earlierBytes = progress.earlierBytes;
    };
    const bundle = await convert({ ...more, onProgress });
    await verifyBundle(bundle);
    return { earlierBytes, files: bundle.manifest.files };
  }

  /** Cancels once the vision encoder is written. */
  async function cancelHalfway(): Promise<void> {
    const cancel = new AbortController();
    const onProgress = ({ part }: ConvertProgress): void => {
      if (part === 'decoder') cancel.abort();
    };
    await expect(convert({ onProgress, signal: cancel.signal })).rejects.toMatchObject({
      code: 'cancelled',
      message: expect.stringMatching(/goes on with what is in .*out\.partial-/),
    });
  }

  /** The checksums of a conversion in one go. */
  async function uninterrupted() {
    const bundle = await convertCheckpoint({ ...options, bundleDirectory: join(directory, 'whole') });
    return bundle.manifest.files;
  }

  it('goes on with what it had written when it was cancelled', async () => {
    await cancelHalfway();
    const { earlierBytes, files } = await convertAgain();
    expect(earlierBytes).toBe(4096);
    expect(files).toEqual(await uninterrupted());
    expect(await readdir(directory)).toEqual(['out', 'tiny', 'whole']);
    expect(await readdir(target())).toHaveLength(files.length + 1);
  });

  it('goes on with what it had written when its process was killed', async () => {
    const script = join(import.meta.dirname, '../test/killed-process.ts');
    const child = spawn(process.execPath, [script, options.checkpointDirectory, target()], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const { earlierBytes, files } = await convertAgain();
    expect(earlierBytes).toBe(4096);
    expect(files).toEqual(await uninterrupted());
  });

  it('makes again what has changed on disk since', async () => {
    await cancelHalfway();
    const data = join((await partial()) ?? '', 'vision.data');
    const bytes = await readFile(data);
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    await writeFile(data, bytes);
    const { earlierBytes, files } = await convertAgain();
    expect(earlierBytes).toBe(0);
    expect(files).toEqual(await uninterrupted());
  });

  it.each([
    ['but not where the file that it speaks of is short', 0, 'vision.data', (bytes: Buffer) => bytes.subarray(0, 1000)],
    ['up to a torn last line', 4096, JOURNAL_FILE, (bytes: Buffer) => bytes.subarray(0, -10)],
    [
      'up to a line that is no JSON',
      0,
      JOURNAL_FILE,
      (bytes: Buffer) => Buffer.from(String(bytes).replace('"end"', '')),
    ],
  ])('believes its journal, %s', async (_, earlierBytes, file, damage) => {
    await cancelHalfway();
    const path = join((await partial()) ?? '', file);
    await writeFile(path, damage(await readFile(path)));
    expect(await convertAgain()).toEqual({ earlierBytes, files: await uninterrupted() });
  });

  it('does not go on with weights of another checkpoint or format', async () => {
    await cancelHalfway();
    await writeCheckpoint(options.checkpointDirectory, 1);
    expect(await convertAgain()).toEqual({ earlierBytes: 0, files: await uninterrupted() });
    await rm(target(), { recursive: true });
    await cancelHalfway();
    const precisions = { vision: 'int8', decoder: 'float32', head: 'float32' } as const;
    expect((await convertAgain({ precisions })).earlierBytes).toBe(0);
    expect((await readdir(directory)).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('makes the scales of values that it had finished', async () => {
    options = { ...options, precisions: { vision: 'int8', decoder: 'int4', head: 'int8' } };
    await cancelHalfway();
    const journal = join((await partial()) ?? '', JOURNAL_FILE);
    const lines = (await readFile(journal, 'utf8')).split('\n');
    expect(lines[1]).toContain('y.weight');
    await writeFile(journal, `${lines.slice(0, 2).join('\n')}\n`);
    expect(await convertAgain()).toEqual({ earlierBytes: 4096, files: await uninterrupted() });
  });

  it('says so when another one has made the bundle meanwhile, and leaves that alone', async () => {
    const others = join(target(), 'manifest.json');
    const onProgress = ({ part }: ConvertProgress): void => {
      if (part !== 'embeddings') return;
      mkdirSync(target(), { recursive: true });
      writeFileSync(others, 'of another');
    };

    await expect(convert({ onProgress })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/exists already/),
    });
    expect(await readFile(others, 'utf8')).toBe('of another');
    expect(await readdir(directory)).toEqual(['out', 'tiny']);
  });

  it('is not taken from a conversion that still runs', async () => {
    let running: Promise<unknown> | undefined;
    const onProgress = ({ part }: ConvertProgress): void => {
      if (part === 'decoder') running ??= convertAgain().catch((error: unknown) => error);
    };
    await convert({ onProgress });
    // Whichever comes second finds the folder there.
    expect(await running).toMatchObject({ code: expect.any(String) });
    expect((await readdir(directory)).filter((name) => name.includes('partial'))).toEqual([]);
  });
});

describe('ensureBundle', () => {
  const cached = () => ensureBundle({ ...options, cacheDirectory: join(directory, 'cache') });
  const cacheEntries = async () => (await readdir(join(directory, 'cache'))).length;

  it('converts once', async () => {
    const first = await cached();
    const manifest = await readFile(first.path('manifest.json'));
    await rm(join(options.checkpointDirectory, 'ranks')); // a second conversion would miss it
    const second = await cached();
    expect(second.directory).toBe(first.directory);
    expect(await readFile(second.path('manifest.json'))).toEqual(manifest);
  });

  it('converts again when the weights change', async () => {
    const first = await cached();
    await writeCheckpoint(options.checkpointDirectory, 1);
    expect((await cached()).directory).not.toBe(first.directory);
    expect(await cacheEntries()).toBe(2);
  });

  it('converts again when a file of the bundle was cut short', async () => {
    const first = await cached();
    await truncate(first.path('decoder.data'), 100);
    await expect(openBundle(first.directory)).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringMatching(/100 bytes/),
    });
    await verifyBundle(await cached());
  });

  it('converts again when a byte of the bundle changed', async () => {
    const { path } = await cached();
    const weights = await readFile(path('decoder.data'));
    weights.writeUInt8(weights.readUInt8(100) ^ 1, 100);
    await writeFile(path('decoder.data'), weights);
    await verifyBundle(await cached());
  });

  it('replaces a file that is in the way', async () => {
    const { directory: target } = await cached();
    await rm(target, { recursive: true });
    await writeFile(target, 'in the way');
    await verifyBundle(await cached());
  });

  it('names a cache folder that cannot be written', async () => {
    await writeFile(join(directory, 'cache'), 'a file');
    await expect(cached()).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/cache cannot be written \(ENOTDIR.*another folder/),
    });
  });

  it('clears away what a killed conversion left', async () => {
    const { directory: target } = await cached();
    // The largest process id of Linux plus one never runs.
    await cp(target, `${target}.partial-${hostname()}-4194305-1`, { recursive: true });
    await rm(target, { recursive: true });
    await cached();
    expect(await cacheEntries()).toBe(1);
  });

  it('lets several conversions of the same checkpoint run at once', async () => {
    const bundles = await Promise.all([cached(), cached(), cached()]);
    expect(new Set(bundles.map((bundle) => bundle.directory)).size).toBe(1);
    expect(await cacheEntries()).toBe(1);
  });
});
