import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-folder-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('makes a folder and those above it, with the rights that are asked for', async () => {
  const path = join(directory, 'a', 'b', 'c');
  await makeFolder(path, 0o700);
  for (const folder of [path, join(path, '..')]) expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

it('leaves what is there, also where several make it at once', async () => {
  const path = join(directory, 'a', 'b');
  await Promise.all([makeFolder(path), makeFolder(path), makeFolder(path)]);
  await writeFile(join(path, 'file'), 'kept');
  await makeFolder(path);
  expect(await readFile(join(path, 'file'), 'utf8')).toBe('kept');
});

it.runIf(process.platform === 'linux')('gives up in a file system that has no such folder', async () => {
  await expect(makeFolder('/proc/eidetic/cache')).rejects.toMatchObject({ code: 'ENOENT' });
});

it('gives up below a file', async () => {
  await writeFile(join(directory, 'file'), '');
  await expect(makeFolder(join(directory, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});
