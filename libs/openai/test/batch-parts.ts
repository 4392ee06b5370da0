import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BatchServiceParts, DirectoryBatchStore, MemoryBatchQueue } from '@eidetic/batches';
import { onTestFinished } from 'vitest';
import { temporaryFiles } from './file-service.ts';

/** What a batch service is made of, in directories of the test's own: three open batches for each tenant, at a time that the test says. */
export const temporaryBatchParts = async (now: () => number = Date.now): Promise<BatchServiceParts> => {
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-openai-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return {
    store: await DirectoryBatchStore.open(directory),
    queue: new MemoryBatchQueue(() => undefined),
    files: await temporaryFiles(now),
    maxOpen: 3,
    observer: { entered: () => undefined, lineEnded: () => undefined },
    now,
  };
};
