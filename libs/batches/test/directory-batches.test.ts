import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DirectoryBatchStore, MemoryBatchQueue } from '../src/index.ts';
import { describeBatchPlace } from './conformance.ts';

const temporaryDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'eidetic-batches-'));

describeBatchPlace('directory', async () => {
  const directory = await temporaryDirectory();
  return {
    openStore: () => DirectoryBatchStore.open(directory),
    openQueue: async () => new MemoryBatchQueue(() => undefined),
    remove: () => rm(directory, { recursive: true }),
  };
});

it('drops the entry that a crash cut off, and goes on after those before it', async () => {
  const directory = await temporaryDirectory();
  onTestFinished(() => rm(directory, { recursive: true }));
  const batch = {
    id: 'batch_1',
    tenant: '',
    endpoint: '/v1/completions',
    inputFileId: 'file-1',
    metadata: null,
    status: 'in_progress',
    createdAtMs: 1,
    expiresAtMs: 2,
    total: 2,
    completed: 0,
    failed: 0,
  } as const;
  const result = { customId: 'a', requestId: 'r', response: { status: 200, body: 1 }, error: null };
  const before = await DirectoryBatchStore.open(directory);
  await before.add(batch, 1);
  await before.record('batch_1', 0, result);
  const path = join(directory, 'batch_1.jsonl');
  const whole = await readFile(path, 'utf8');
  await appendFile(path, '{"line":1,"result":{"custo');
  const store = await DirectoryBatchStore.open(directory);
  expect(await readFile(path, 'utf8')).toBe(whole);
  expect(await store.record('batch_1', 1, { ...result, customId: 'b' })).toBe(true);
  expect((await Array.fromAsync(store.results('batch_1'))).map(({ customId }) => customId)).toEqual(['a', 'b']);
});

it('does not start on a journal that is spoilt before its end', async () => {
  const directory = await temporaryDirectory();
  onTestFinished(() => rm(directory, { recursive: true }));
  await appendFile(join(directory, 'batch_1.jsonl'), 'no entry\n{}\n');
  await expect(DirectoryBatchStore.open(directory)).rejects.toMatchObject({ code: 'invalid_config' });
});
