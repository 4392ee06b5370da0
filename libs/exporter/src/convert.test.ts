import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBundle, verifyBundle } from '@eidetic/bundle';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConvertOptions, convertCheckpoint, ensureBundle } from './convert.ts';
import type { ExportFamily } from './family.ts';
import { linear } from './linear.ts';
import { denseMatrix } from './matrix.ts';

/** A family whose checkpoints hold one matrix: both graphs multiply by it. */
const family: ExportFamily = {
  name: 'tiny',
  plan: async (weights) => {
    const build: (typeof plan)['buildVision'] = async (graph, formats) => {
      const x = graph.input('x', 'float32', ['batch', 32]);
      const matrix = denseMatrix(await weights.readFloat32('w'), 32, 32);
      graph.output(await linear(graph, 'y', x, matrix, formats.vision), 'float32', ['batch', 32]);
    };
    const plan: Awaited<ReturnType<ExportFamily['plan']>> = {
      vision: { imageSize: 14, tokensPerImage: 1, hidden: 32, preprocessing: 'tiny-1' },
      decoder: {
        layers: 1,
        heads: 1,
        kvHeads: 1,
        headDim: 32,
        hidden: 32,
        vocab: 32,
        maxPositions: 8,
        topK: 4,
        ropeTables: [{ maxPrompt: 8, offset: 0 }],
      },
      embeddingTensor: 'w',
      tokenizerFile: 'ranks',
      specialTokens: { end: 31 },
      generation: {
        chatFormat: 'raw',
        stopTokenIds: [31],
        maxNewTokens: 4,
        temperature: 0,
        topP: 1,
        topK: 0,
        repetitionPenalty: 1,
      },
      buildVision: build,
      buildDecoder: build,
    };
    return plan;
  },
};

let directory: string;
let options: ConvertOptions;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-convert-'));
  const checkpointDirectory = join(directory, 'tiny');
  await mkdir(checkpointDirectory);
  await writeCheckpoint(checkpointDirectory, 0);
  const precisions = { vision: 'float32', decoder: 'float32', head: 'float32' } as const;
  options = { checkpointDirectory, family, precisions, activations: 'float32' };
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

  it('refuses to write over a folder', async () => {
    const conversion = convertCheckpoint({ ...options, bundleDirectory: options.checkpointDirectory });
    await expect(conversion).rejects.toMatchObject({ code: 'invalid_config', message: /exists already/ });
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
    await expect(conversion).rejects.toMatchObject({ code: 'invalid_checkpoint', message: /ranks/ });
    expect(await readdir(directory)).toEqual(['tiny']);
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
    await expect(openBundle(first.directory)).rejects.toMatchObject({ code: 'invalid_bundle', message: /100 bytes/ });
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
    await cp(target, `${target}.partial-4194305-1`, { recursive: true });
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
