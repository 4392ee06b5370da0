import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, openBundle } from '@eidetic/bundle';
import { type Decoder, GREEDY } from '@eidetic/core';
import { Engine } from '@eidetic/engine';
import { convertCheckpoint, DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { Environment } from '@eidetic/ort';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MappedBundle, mapWeights } from './packed-weights.ts';

const runtime = { environment: Environment.load(), session: { intraOpThreads: 1 } };

let folder: string;
let bundle: Bundle;
let cacheDirectory: string;
let said: string[];
const context = { onProgress: (line: string) => said.push(line), signal: new AbortController().signal };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eidetic-packed-'));
  bundle = await convertCheckpoint({
    checkpointDirectory: join(import.meta.dirname, '../../../models/qwen-vl-nano-chat'),
    bundleDirectory: join(folder, 'bundle'),
    family: qwenVlExport,
    precisions: { ...DEFAULT_PRECISIONS, decoder: 'int4' },
    activations: 'float32',
    name: 'mine',
  });
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  said = [];
  cacheDirectory = await mkdtemp(join(folder, 'cache-'));
});

const map = (part: 'vision' | 'decoder', options: { copiedBytes?: number } = { copiedBytes: 0 }) =>
  mapWeights({ bundle, part, cacheDirectory, runtime, ...options }, context);

const packedFolders = (): Promise<string[]> => readdir(join(cacheDirectory, 'packed'));

async function answerOf(mapped: MappedBundle): Promise<number[]> {
  const engine: Decoder & { stop(): Promise<void> } = await Engine.create({
    ...mapped,
    resolveEmbedding: async () => undefined,
    slots: 1,
    maxContext: 64,
    prefillChunk: 64,
    prefillShare: 0.5,
    maxWaiting: 1,
    agingMs: 1000,
  });
  const prompt = [{ kind: 'tokens', ids: [7, 300, 41, 5, 1000] }] as const;
  const request = { requestId: 'one', prompt, sampling: GREEDY, maxTokens: 20, stopTokenIds: [] };
  const ids: number[] = [];
  for await (const event of engine.generate(request)) if (event.kind === 'token') ids.push(event.id);
  await engine.stop();
  return ids;
}

describe('mapWeights', () => {
  it('leaves small weights to be copied', async () => {
    const mapped = await map('decoder', {});
    expect(mapped.bundle).toBe(bundle);
    expect(said).toEqual([]);
  });

  it('packs quantised weights once, into a graph that answers the same', async () => {
    const mapped = await map('decoder');
    expect(mapped.bundle.path('decoder.onnx')).toContain(join(cacheDirectory, 'packed', 'mine-decoder-'));
    expect(mapped.bundle.path('token-embeddings.bin')).toBe(bundle.path('token-embeddings.bin'));
    expect(said).toEqual([expect.stringContaining('Packing the weights of mine')]);
    expect(await readFile(mapped.bundle.path('decoder.onnx'), 'latin1')).toContain('prepacked_0');
    expect(await answerOf(mapped)).toEqual(await answerOf({ bundle, ...runtime }));
    const again = await map('decoder');
    expect(again.bundle.path('decoder.onnx')).toBe(mapped.bundle.path('decoder.onnx'));
    expect(said).toHaveLength(1);
  });

  it('packs again what was damaged, and leaves no other folder behind', async () => {
    const mapped = await map('decoder');
    const data = join(mapped.bundle.path('decoder.onnx'), '../graph.data');
    await writeFile(data, 'short');
    await map('decoder');
    expect(said).toHaveLength(2);
    expect((await readFile(data)).length).toBeGreaterThan(1000);
    expect(await packedFolders()).toHaveLength(1);
  });

  it('clears away what a process that was killed had packed so far', async () => {
    const packed = (await map('decoder')).bundle.path('decoder.onnx');
    await rm(join(packed, '..'), { recursive: true });
    // The largest process id of Linux plus one never runs.
    await mkdir(`${join(packed, '..')}.partial-${hostname()}-4194305-1`);
    await map('decoder');
    expect(await packedFolders()).toHaveLength(1);
  });

  it('uses float32 matrices of the vision encoder as they are in the bundle', async () => {
    const mapped = await map('vision');
    expect(mapped.bundle).toBe(bundle);
    expect(mapped.session).toEqual({ intraOpThreads: 1, config: { 'session.disable_prepacking': '1' } });
  });

  it('leaves it to a GPU to hold its weights', async () => {
    const cuda = { ...runtime, session: { provider: { cuda: {} } } };
    const mapped = await mapWeights(
      { bundle, part: 'decoder', cacheDirectory, runtime: cuda, copiedBytes: 0 },
      context,
    );
    expect(mapped).toEqual({ bundle, ...cuda });
  });

  it('goes on with copies, and says why, where packed weights cannot be written', async () => {
    cacheDirectory = join(bundle.path('manifest.json'), 'cache');
    const mapped = await map('decoder');
    expect(mapped.bundle).toBe(bundle);
    expect(said).toEqual([expect.stringMatching(/^Warning: the weights are copied into private memory/)]);
  });

  it('gives up when it is told to', async () => {
    const signal = AbortSignal.abort();
    const options = { bundle: await openBundle(bundle.directory), part: 'decoder', cacheDirectory } as const;
    const mapping = mapWeights({ ...options, runtime, copiedBytes: 0 }, { ...context, signal });
    await expect(mapping).rejects.toMatchObject({ code: 'cancelled' });
    expect(await packedFolders()).toEqual([]);
  });
});
