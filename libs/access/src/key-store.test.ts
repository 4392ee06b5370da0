import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { hashApiKey } from './api-key.ts';
import { formatKeyEntry } from './key-file.ts';
import { KeyStore } from './key-store.ts';

const lineOf = (key: string): string => formatKeyEntry({ id: key, tenant: 'acme', sha256: hashApiKey(key) });

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'eidetic-keys-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
};

/** Never half of it. */
const replace = async (path: string, text: string): Promise<void> => {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
};

const open = (path: string) => {
  const told: unknown[] = [];
  const store = new KeyStore({
    path,
    intervalMs: 5,
    observer: { loaded: ({ keys }) => told.push(keys), reloadFailed: () => told.push('failed') },
    onReload: (_, reason) => reason && told.push(reason.message),
  });
  onTestFinished(() => store[Symbol.dispose]());
  return { told, knows: (key: string) => store.find(hashApiKey(key))?.id };
};

it('has the keys of a file that was replaced', async () => {
  const path = join(await folder(), 'keys.jsonl');
  await writeFile(path, lineOf('a'));
  const { knows, told } = open(path);
  expect([knows('a'), knows('b')]).toEqual(['a', undefined]);
  await replace(path, lineOf('b') + lineOf('c'));
  await expect.poll(() => knows('b')).toBe('b');
  expect(knows('a')).toBeUndefined();
  expect(told).toEqual([1, 2]);
});

it('sees the symbolic link swapped by which Kubernetes replaces a mounted Secret', async () => {
  const mount = await folder();
  const publish = async (version: string, text: string): Promise<void> => {
    await mkdir(join(mount, version));
    await writeFile(join(mount, version, 'keys.jsonl'), text);
    await symlink(version, join(mount, '..data_tmp'));
    await rename(join(mount, '..data_tmp'), join(mount, '..data'));
  };
  await publish('..1', lineOf('a'));
  await symlink(join('..data', 'keys.jsonl'), join(mount, 'keys.jsonl'));
  const { knows } = open(join(mount, 'keys.jsonl'));
  expect(knows('a')).toBe('a');
  await publish('..2', lineOf('b'));
  await expect.poll(() => knows('b')).toBe('b');
  expect(knows('a')).toBeUndefined();
});

it('stays with the keys that it has when a new file is wrong or gone, and takes the next good one', async () => {
  const path = join(await folder(), 'keys.jsonl');
  await writeFile(path, lineOf('a'));
  const { knows, told } = open(path);
  await replace(path, 'nonsense');
  await expect.poll(() => told).toEqual([1, 'failed', expect.stringContaining(`${path}, line 1`)]);
  await rm(path);
  await expect.poll(() => told.slice(3)).toEqual(['failed', expect.stringContaining('cannot be read')]);
  expect(knows('a')).toBe('a');
  await replace(path, lineOf('b'));
  await expect.poll(() => knows('b')).toBe('b');
});

it('does not start without its file', async () => {
  const path = join(await folder(), 'keys.jsonl');
  expect(() => open(path)).toThrow(/^The file of API keys cannot be read: ENOENT.*keys\.jsonl/);
});
