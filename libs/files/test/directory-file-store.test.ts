import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { DirectoryFileStore } from '../src/index.ts';
import { describeFileStore } from './conformance.ts';

const temporaryDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'eidetic-files-'));

describeFileStore('directory', async () => {
  const directory = await temporaryDirectory();
  return {
    open: () => DirectoryFileStore.open(directory),
    leftovers: async () => {
      const names = await readdir(directory, { recursive: true });
      return names.filter((name) => name !== 'partial' && !name.endsWith('.json')).length;
    },
    remove: () => rm(directory, { recursive: true }),
  };
});

it('removes at the start what a crash left half written', async () => {
  const directory = await temporaryDirectory();
  onTestFinished(() => rm(directory, { recursive: true }));
  const before = await DirectoryFileStore.open(directory);
  await before.stage(Readable.from([Buffer.from('half')]), 100);
  await writeFile(join(directory, 'file-0.data'), 'renamed, but its record is not there');
  const store = await DirectoryFileStore.open(directory);
  expect(await store.list('')).toEqual([]);
  expect(await readdir(directory, { recursive: true })).toEqual(['partial']);
});

it('does not start on records that it cannot read', async () => {
  const directory = await temporaryDirectory();
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'file-0.json'), '{"id":');
  await expect(DirectoryFileStore.open(directory)).rejects.toMatchObject({ code: 'invalid_config' });
});
