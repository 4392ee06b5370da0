import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type ListedFile, verifyFiles } from './verify.ts';

/** Aborted already: whoever reads anything with it fails. */
const UNREADABLE = { signal: AbortSignal.abort() };

const listed = (path: string, content: string): ListedFile => ({
  path,
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
});

let root: string;
let folder: string;
let memory: string;
const files = [listed('a.data', 'weights'), listed('b.data', 'more weights')];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'eidetic-verify-'));
  onTestFinished(() => rm(root, { recursive: true }));
  [folder, memory] = [join(root, 'bundle'), join(root, 'cache', 'verified')];
  await mkdir(folder);
  await writeFile(join(folder, 'a.data'), 'weights');
  await writeFile(join(folder, 'b.data'), 'more weights');
});

describe('verifyFiles', () => {
  it('names the file whose content is another', async () => {
    await verifyFiles(folder, files);
    await writeFile(join(folder, 'b.data'), 'more Weights');
    await expect(verifyFiles(folder, files)).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringContaining(join(folder, 'b.data')),
    });
  });

  it('reads every file each time when it has no memory', async () => {
    await verifyFiles(folder, files);
    await expect(verifyFiles(folder, files, UNREADABLE)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('does not read again what it found whole', async () => {
    await verifyFiles(folder, files, { memory });
    await verifyFiles(folder, files, { memory, ...UNREADABLE });
  });

  it('reads a file again once it has been written to', async () => {
    await verifyFiles(folder, files, { memory });
    await writeFile(join(folder, 'a.data'), 'Weights');
    await expect(verifyFiles(folder, files, { memory })).rejects.toMatchObject({ code: 'invalid_bundle' });
  });

  it('reads a file again when another content is expected of it', async () => {
    await verifyFiles(folder, files, { memory });
    await expect(verifyFiles(folder, [listed('a.data', 'Weights')], { memory })).rejects.toThrow('a.data');
  });

  it('reads the files of a copy', async () => {
    await verifyFiles(folder, files, { memory });
    await rm(folder, { recursive: true });
    await mkdir(join(root, 'other'));
    await writeFile(join(root, 'other', 'a.data'), 'damaged');
    await writeFile(join(root, 'other', 'b.data'), 'more weights');
    await cp(join(root, 'other'), folder, { recursive: true, preserveTimestamps: true });
    await expect(verifyFiles(folder, files, { memory })).rejects.toThrow('a.data');
  });

  it('works, but remembers nothing, where its memory is damaged or cannot be written', async () => {
    await verifyFiles(folder, files, { memory });
    const nowhere = join(folder, 'a.data', 'memory');
    await verifyFiles(folder, files, { memory: nowhere });
    await expect(verifyFiles(folder, files, { memory: nowhere, ...UNREADABLE })).rejects.toThrow();
  });
});
