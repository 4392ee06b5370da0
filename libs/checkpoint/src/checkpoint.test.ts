import { mkdir, open, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointFolder, type Files, refusalOf } from '../test/checkpoint-folder.ts';
import { type SafetensorsEntry, safetensorsFile, writeSafetensors } from '../test/write-safetensors.ts';
import { centralHeader, endRecord, pickle, writeTorch, writeZip } from '../test/write-torch.ts';
import { openCheckpoint } from './checkpoint.ts';

const EMBEDDED = join(import.meta.dirname, '../../../models/qwen-vl-nano-chat');
const INDEX = 'model.safetensors.index.json';
const tensor = (...values: number[]): SafetensorsEntry => ({
  dtype: 'F32',
  shape: [values.length],
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});
const one = writeSafetensors({ a: tensor(1), b: tensor(2) });
const sharded = {
  [INDEX]: { weight_map: { a: '1.safetensors', b: '2.safetensors' } },
  '1.safetensors': writeSafetensors({ a: tensor(1) }),
  '2.safetensors': writeSafetensors({ b: tensor(2) }),
};

describe('the embedded checkpoint', () => {
  it('has what its index names: 19,924,032 elements', async () => {
    await using checkpoint = await openCheckpoint(EMBEDDED);
    const index = JSON.parse(await readFile(join(EMBEDDED, INDEX), 'utf8'));
    const files = Object.fromEntries(Array.from(checkpoint.tensors.values(), ({ name, file }) => [name, file]));
    expect(files).toEqual(index.weight_map);
    const elements = Array.from(checkpoint.tensors.values(), ({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(elements.reduce((a, b) => a + b)).toBe(19_924_032);
    expect(checkpoint.config).toMatchObject({ model_type: 'qwen' });
    expect(checkpoint.generationConfig).toBeTypeOf('object');
  });

  it('gives the same rows whole, by range and in chunks', async () => {
    await using checkpoint = await openCheckpoint(EMBEDDED);
    const name = 'transformer.wte.weight';
    const [rows = 0, columns = 0] = checkpoint.tensors.get(name)?.shape ?? [];
    const whole = await checkpoint.readFloat32(name);
    expect(whole).toHaveLength(rows * columns);
    const part = await checkpoint.readFloat32(name, { firstRow: 1000, rows: 3 });
    expect(part).toEqual(whole.slice(1000 * columns, 1003 * columns));
    const chunks = await Array.fromAsync(checkpoint.chunks(name, 100_000), ({ bytes }) => bytes);
    expect(chunks.every(({ length }) => length <= 100_000)).toBe(true);
    expect(Buffer.concat(chunks).equals(await checkpoint.readRaw(name))).toBe(true);
  });
});

describe('openCheckpoint', () => {
  it.each<[string, Files]>([
    ['one safetensors file', { 'model.safetensors': one }],
    ['safetensors shards', sharded],
    ['safetensors beside PyTorch files', { ...sharded, 'pytorch_model.bin': 'not looked at' }],
  ])('reads %s', async (_, files) => {
    await using folder = await checkpointFolder(files);
    await using checkpoint = await openCheckpoint(folder.path);
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b']);
    expect(await checkpoint.readFloat32('b')).toEqual(Float32Array.of(2));
    expect(checkpoint.generationConfig).toBeUndefined();
  });

  it('follows a shard that is a symbolic link, as in the cache of Hugging Face', async () => {
    await using folder = await checkpointFolder({ blob: one });
    await symlink('blob', join(folder.path, 'model.safetensors'));
    await using checkpoint = await openCheckpoint(folder.path);
    expect(checkpoint.tensors.size).toBe(2);
  });

  it('leaves out what a shard holds beyond the index', async () => {
    await using folder = await checkpointFolder({
      [INDEX]: { weight_map: { b: '1.safetensors' } },
      '1.safetensors': one,
    });
    await using checkpoint = await openCheckpoint(folder.path);
    expect([...checkpoint.tensors.keys()]).toEqual(['b']);
  });

  it.each<[string, Files, RegExp]>([
    ['there are no weights', {}, /holds none of model\.safetensors, .*pytorch_model\.bin\.index\.json/],
    ['config.json is not JSON', { 'config.json': '{', 'model.safetensors': one }, /^config\.json: The JSON is refused/],
    ['config.json is a list', { 'config.json': [], 'model.safetensors': one }, /^config\.json: .* not an object/],
    [
      'generation_config.json is not JSON',
      { 'generation_config.json': '', 'model.safetensors': one },
      /^generation_con/,
    ],
    ['the index is not JSON', { ...sharded, [INDEX]: 'x' }, /index\.json: The JSON is refused/],
    ['the index has no weight_map', { ...sharded, [INDEX]: {} }, /index\.json: weight_map is missing/],
    ['the index is empty', { ...sharded, [INDEX]: { weight_map: {} } }, /names 0 shards/],
    [
      'the index names a tensor twice',
      { ...sharded, [INDEX]: '{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}' },
      /"a" is named twice/,
    ],
    [
      'a shard is missing',
      { ...sharded, [INDEX]: { weight_map: { a: '3.safetensors' } } },
      /^3\.safetensors: Cannot open/,
    ],
    [
      'a shard lacks a tensor',
      { ...sharded, [INDEX]: { weight_map: { a: '1.safetensors', c: '2.safetensors' } } },
      /^2\.safetensors, tensor "c": The index names it/,
    ],
    [
      'two shards hold a tensor',
      { ...sharded, '2.safetensors': one },
      /^2\.safetensors, tensor "a": The index places it in 1\.safetensors/,
    ],
    [
      'a shard is a number',
      { ...sharded, [INDEX]: { weight_map: { a: 1 } } },
      /tensor "a": 1 is not a shard's file name/,
    ],
    [
      'there are too many shards',
      { [INDEX]: { weight_map: Object.fromEntries(Array.from({ length: 513 }, (_, i) => [i, `${i}.safetensors`])) } },
      /names 513 shards/,
    ],
  ])('refuses a checkpoint when %s', async (_, files, message) => {
    expect(await refusalOf(files)).toMatch(message);
  });

  it.each(['../1.safetensors', '/etc/passwd', 'a/b.safetensors', 'a\\b.safetensors', '..', '1.bin', '1.safetensors\0'])(
    'refuses an index that names shard %j',
    async (shard) => {
      const refusal = await refusalOf({ ...sharded, [INDEX]: { weight_map: { a: shard } } });
      expect(refusal).toContain(`tensor "a": ${JSON.stringify(shard)} is not a shard's file name`);
    },
  );

  it('refuses folders, missing files and oversized configurations, and says which', async () => {
    await expect(openCheckpoint('/nowhere')).rejects.toMatchObject({
      code: 'invalid_checkpoint',
      details: { file: 'config.json' },
    });
    await using folder = await checkpointFolder({});
    await mkdir(join(folder.path, 'model.safetensors'));
    await expect(openCheckpoint(folder.path)).rejects.toThrow(/^model\.safetensors: Cannot open .*not a regular file/);
    await truncate(join(folder.path, 'config.json'), 2 ** 33);
    await expect(openCheckpoint(folder.path)).rejects.toThrow(/^config\.json: The file has 8589934592 bytes/);
  });
});

describe('reading a tensor', () => {
  it('gives back what was written, for every type, shape and range of rows', async () => {
    const types = {
      BOOL: 1,
      U8: 1,
      I8: 1,
      U16: 2,
      I16: 2,
      F16: 2,
      BF16: 2,
      U32: 4,
      I32: 4,
      F32: 4,
      U64: 8,
      I64: 8,
      F64: 8,
    };
    const stored = fc
      .record({
        dtype: fc.constantFrom(...Object.keys(types)),
        shape: fc.array(fc.nat(5), { maxLength: 3 }),
        seed: fc.nat(255),
      })
      .map(({ dtype, shape, seed }) => {
        const length = shape.reduce((a, b) => a * b, types[dtype as keyof typeof types]);
        return { dtype, shape, bytes: Uint8Array.from({ length }, (_, i) => seed + i * 7) };
      });
    await using folder = await checkpointFolder({});
    const property = fc.asyncProperty(
      fc.dictionary(fc.string(), stored),
      fc.nat(),
      fc.integer({ min: 1, max: 64 }),
      async (tensors, first, chunkBytes) => {
        await writeFile(join(folder.path, 'model.safetensors'), writeSafetensors(tensors));
        await using checkpoint = await openCheckpoint(folder.path);
        expect([...checkpoint.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
        for (const [name, { shape, bytes }] of Object.entries(tensors)) {
          expect(checkpoint.tensors.get(name)?.shape).toEqual(shape);
          expect(await checkpoint.readRaw(name)).toEqual(bytes);
          const rows = shape[0] ?? 1;
          const rowBytes = rows === 0 ? 0 : bytes.length / rows;
          const firstRow = first % (rows + 1);
          const tail = await checkpoint.readRaw(name, { firstRow, rows: rows - firstRow });
          expect(tail).toEqual(bytes.subarray(firstRow * rowBytes));
          const chunks = await Array.fromAsync(checkpoint.chunks(name, chunkBytes));
          expect(new Uint8Array(Buffer.concat(chunks.map((chunk) => chunk.bytes)))).toEqual(bytes);
          expect(chunks.reduce((sum, chunk) => sum + chunk.rows, 0)).toBe(rows);
        }
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('converts a tensor larger than its buffer without a seam', async () => {
    const values = Uint16Array.from({ length: 2 ** 21 + 7 }, (_, i) => i & 0x3fff);
    const file = writeSafetensors({
      a: { dtype: 'BF16', shape: [values.length], bytes: new Uint8Array(values.buffer) },
    });
    await using folder = await checkpointFolder({ 'model.safetensors': file });
    await using checkpoint = await openCheckpoint(folder.path);
    const bits = new Uint32Array((await checkpoint.readFloat32('a')).buffer);
    expect(bits.length).toBe(values.length);
    expect(bits.every((value, i) => value >>> 16 === values[i])).toBe(true);
  });

  it('refuses unknown names, rows outside the shape, and integers as floats', async () => {
    const integers = { dtype: 'I32', shape: [2], bytes: new Uint8Array(8) };
    await using folder = await checkpointFolder({ 'model.safetensors': writeSafetensors({ a: integers }) });
    await using checkpoint = await openCheckpoint(folder.path);
    await expect(checkpoint.readRaw('toString')).rejects.toThrow(
      /tensor "toString": The checkpoint has no such tensor/,
    );
    await expect(checkpoint.readFloat32('a')).rejects.toThrow(/tensor "a": It holds int32/);
    for (const range of [
      { firstRow: 1, rows: 2 },
      { firstRow: -1, rows: 1 },
      { firstRow: 0, rows: 0.5 },
    ]) {
      await expect(checkpoint.readRaw('a', range)).rejects.toMatchObject({ code: 'invalid_checkpoint' });
    }
  });

  it('reports a file that is cut while it is open', async () => {
    await using folder = await checkpointFolder({ 'model.safetensors': one });
    await using checkpoint = await openCheckpoint(folder.path);
    await truncate(join(folder.path, 'model.safetensors'), one.length - 4);
    await expect(checkpoint.readFloat32('b')).rejects.toThrow(/^model\.safetensors: The file ended at byte/);
  });

  it('fails with a code once the checkpoint is closed', async () => {
    await using folder = await checkpointFolder({ 'model.safetensors': one });
    const checkpoint = await openCheckpoint(folder.path);
    await checkpoint.close();
    await expect(checkpoint.readRaw('b')).rejects.toMatchObject({ code: 'invalid_checkpoint' });
    await checkpoint.close();
  });
});

describe('identity', () => {
  const identityOf = async (files: Files): Promise<string> => {
    await using folder = await checkpointFolder(files);
    await using checkpoint = await openCheckpoint(folder.path);
    return await checkpoint.identity();
  };

  it('is the same for a copy and differs for other weights, configuration, names and layout', async () => {
    const identity = await identityOf({ 'model.safetensors': one });
    expect(identity).toMatch(/^[0-9a-f]{64}$/);
    expect(await identityOf({ 'model.safetensors': one })).toBe(identity);
    const others = await Promise.all([
      identityOf({ 'model.safetensors': writeSafetensors({ a: tensor(1), b: tensor(3) }) }),
      identityOf({ 'model.safetensors': writeSafetensors({ a: tensor(1), c: tensor(2) }) }),
      identityOf({ 'model.safetensors': one, 'config.json': { layers: 1 } }),
      identityOf({ 'model.safetensors': one, 'generation_config.json': {} }),
      identityOf(sharded),
    ]);
    expect(new Set([identity, ...others]).size).toBe(6);
  });

  it('notices a changed storage of a PyTorch file and a change at either end of a large tensor', async () => {
    const state = pickle.stateDict({ a: { type: 'FloatStorage', key: '0', elements: 100_000, shape: [100_000] } });
    const variants = [-1, 0, 399_999].map((at) => new Uint8Array(400_000).map((_, i) => (i === at ? 1 : 0)));
    const identities = variants.map((data) => identityOf({ 'pytorch_model.bin': writeTorch(state, { 0: data }) }));
    expect(new Set(await Promise.all(identities)).size).toBe(3);
  });
});

describe('a checkpoint larger than memory should hold', () => {
  const ELEMENTS = 2_500_000_000;
  const BUDGET = 100 * 1024 * 1024;

  /** Reads both tensors' ends; returns the growth of the process in bytes. */
  async function readBoth(path: string): Promise<number> {
    const before = process.memoryUsage().rss;
    await using checkpoint = await openCheckpoint(path);
    expect(checkpoint.tensors.get('large')?.sizeBytes).toBe(2 * ELEMENTS);
    expect(await checkpoint.readFloat32('small')).toEqual(Float32Array.of(1, -2));
    const last = await checkpoint.readFloat32('large', { firstRow: ELEMENTS / 1000 - 1, rows: 1 });
    expect(last.every((value) => value === 0)).toBe(true);
    await checkpoint.identity();
    return process.memoryUsage().rss - before;
  }
  const SMALL = Buffer.from('803f00c0', 'hex');

  it('opens 5 GB of safetensors within 100 MiB', async () => {
    await using folder = await checkpointFolder({});
    const path = join(folder.path, 'model.safetensors');
    const header = safetensorsFile(
      {
        large: { dtype: 'BF16', shape: [ELEMENTS / 1000, 1000], data_offsets: [0, 2 * ELEMENTS] },
        small: { dtype: 'BF16', shape: [2], data_offsets: [2 * ELEMENTS, 2 * ELEMENTS + 4] },
      },
      Buffer.alloc(0),
    );
    await using file = await open(path, 'w');
    await file.write(header, 0, header.length, 0);
    await file.write(SMALL, 0, 4, header.length + 2 * ELEMENTS);
    expect((await stat(path)).blocks * 512).toBeLessThan(BUDGET);
    expect(await readBoth(folder.path)).toBeLessThan(BUDGET);
  });

  it('opens a 5 GB PyTorch archive, with entries that only zip64 can address, within 100 MiB', async () => {
    await using folder = await checkpointFolder({});
    const path = join(folder.path, 'pytorch_model.bin');
    const type = 'BFloat16Storage';
    const state = pickle.stateDict({
      large: { type, key: '0', elements: ELEMENTS, shape: [ELEMENTS / 1000, 1000] },
      small: { type, key: '1', elements: 2, shape: [2] },
    });
    const items = [
      { name: 'archive/data.pkl', sizeBytes: state.length, data: state },
      { name: 'archive/data/0', sizeBytes: 2 * ELEMENTS, data: Buffer.alloc(0), localSize: 0xffffffff },
      { name: 'archive/data/1', sizeBytes: SMALL.length, data: SMALL },
    ];
    await using file = await open(path, 'w');
    let offset = 0;
    const headers: Buffer[] = [];
    for (const item of items) {
      const local = writeZip([item]).subarray(0, 30 + item.name.length + item.data.length);
      await file.write(local, 0, local.length, offset);
      headers.push(centralHeader({ name: item.name, sizeBytes: item.sizeBytes, offset }));
      offset += 30 + item.name.length + item.sizeBytes;
    }
    const directory = Buffer.concat(headers);
    const end = Buffer.concat([directory, endRecord(items.length, directory.length, offset)]);
    await file.write(end, 0, end.length, offset);
    expect((await stat(path)).blocks * 512).toBeLessThan(BUDGET);
    expect(await readBoth(folder.path)).toBeLessThan(BUDGET);
  });
});
