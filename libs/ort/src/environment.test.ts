import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identity, STRING, tinyModel } from '../test/tiny-onnx.ts';
import { Environment, type SessionOptions } from './index.ts';
import { loadLibrary } from './library.ts';
import { appendCuda } from './providers.ts';

const environment = Environment.load();

describe('Environment', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eidetic-ort-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('loads the library that onnxruntime-node ships, once', () => {
    expect(environment.version).toMatch(/^1\.\d+\.\d+$/);
    expect(environment.providers()).toContain('CPUExecutionProvider');
    expect(Environment.load({ logLevel: 'error' })).toBe(environment);
  });

  it('reports to nobody, and leaves nothing in the home directory', async () => {
    const env = { PATH: process.env.PATH, HOME: folder };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [fileURLToPath(new URL('../test/loading.ts', import.meta.url))],
      { env },
    );
    expect(stdout.trim()).toBe(environment.version);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says what to do when there is no library at the path', () => {
    expect(() => Environment.load({ libraryPath: join(folder, 'none.so') })).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining('libonnxruntime.so.1') }),
    );
  });

  it('refuses a file that is not a library', async () => {
    const libraryPath = join(folder, 'text.so');
    await writeFile(libraryPath, 'not a library');
    expect(() => Environment.load({ libraryPath })).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining(libraryPath) }),
    );
  });

  it('loads a model from a file', async () => {
    const path = join(folder, 'identity.onnx');
    await writeFile(path, identity());
    using session = await environment.createSession(path);
    expect(session.inputs.map(({ name }) => name)).toEqual(['x']);
  });

  it.each([
    ['a file that is missing', '/nowhere/model.onnx', /model\.onnx.*doesn't exist/],
    ['bytes that are no model', Uint8Array.of(1, 2, 3), /3 bytes.*protobuf/],
    ['no bytes', new Uint8Array(), /0 bytes/],
    [
      'a graph that does not hold together',
      tinyModel({ inputs: [], outputs: [], nodes: [node('Nonsense')] }),
      /Nonsense/,
    ],
    ['strings for numbers', identity(STRING), /"x".*element type 8/],
  ])('names the trouble with %s', async (_, model, message) => {
    await expect(environment.createSession(model)).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, SessionOptions, string]>([
    ['a negative number of threads', { intraOpThreads: -1 }, 'intraOpThreads is -1'],
    ['half a thread', { interOpThreads: 0.5 }, 'interOpThreads is 0.5'],
    ['an empty configuration key', { config: { '': '1' } }, 'Config key is empty'],
  ])('refuses %s', async (_, options, message) => {
    await expect(environment.createSession(identity(), options)).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining(message),
    });
  });

  it('passes configuration entries on', async () => {
    const config = { 'session.intra_op_thread_affinities': 'nonsense' };
    await expect(environment.createSession(identity(), { intraOpThreads: 2, config })).rejects.toThrow(/nonsense/);
  });

  it('names every library that CUDA misses and where to get it', async () => {
    const expected = {
      code: 'invalid_config',
      message: expect.stringMatching(/libonnxruntime_providers_cuda\.so.*pip install onnxruntime-gpu==1\.\d+/),
    };
    await expect(environment.createSession(identity(), { provider: { cuda: {} } })).rejects.toMatchObject(expected);
    expect(() => environment.checkCuda()).toThrow(expect.objectContaining(expected));
  });

  it('says so when the library was built without CUDA', () => {
    const library = loadLibrary();
    const { GetAvailableProviders } = library.api;
    const none = Object.assign(
      (address: BigUint64Array, count: Int32Array) => {
        GetAvailableProviders(address, count);
        count[0] = 0;
      },
      { async: GetAvailableProviders.async },
    );
    const stripped = {
      ...library,
      api: { ...library.api, GetAvailableProviders: none as typeof GetAvailableProviders },
    };
    expect(() => appendCuda(stripped, 0n, {})).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining('built without CUDA') }),
    );
  });
});

function node(op: string) {
  return { op, inputs: [], outputs: ['y'] };
}
