import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryBatchStore, MemoryBatchQueue } from '@eidetic/batches';
import { DirectoryFileStore } from '@eidetic/files';
import { afterAll } from 'vitest';
import type { Stores } from '../src/index.ts';

/** Stores in a directory that goes after the tests of a file. */
export const openTemporaryStores = async (): Promise<Stores> => {
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-chat-server-'));
  afterAll(() => rm(directory, { recursive: true, force: true }));
  return {
    files: await DirectoryFileStore.open(join(directory, 'files')),
    batches: await DirectoryBatchStore.open(join(directory, 'batches')),
    batchQueue: new MemoryBatchQueue(() => undefined),
  };
};
