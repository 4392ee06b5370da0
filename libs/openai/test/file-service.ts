import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryFileStore, FileService } from '@eidetic/files';
import { onTestFinished } from 'vitest';

/** Files in a directory of the test's own, three for each tenant, at a time that the test says. */
export const temporaryFiles = async (now: () => number = Date.now): Promise<FileService> => {
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-openai-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return new FileService({
    store: await DirectoryFileStore.open(directory),
    limits: { maxFileBytes: 100_000, quota: { maxFiles: 3, maxBytes: 150_000 } },
    observer: { added: () => undefined, removed: () => undefined },
    now,
  });
};
