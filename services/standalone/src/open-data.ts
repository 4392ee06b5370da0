import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryBatchStore, MemoryBatchQueue } from '@eidetic/batches';
import type { Stores } from '@eidetic/chat-server';
import { EideticError } from '@eidetic/core';
import { DirectoryFileStore } from '@eidetic/files';
import { makeFolder } from '@eidetic/folders';
import { lockDirectory } from './lock-directory.ts';
import { makeTemporaryData } from './temporary-data.ts';

/** What outlives requests. */
export interface Data extends Stores, AsyncDisposable {}

/**
 * Opens what is kept in a directory, which is made if it is not there. Without one, it is kept for as long as this process runs.
 *
 * @throws EideticError `invalid_config` if it cannot be used, or another process uses it.
 */
export const openData = async (
  directory: string | undefined,
  onTrouble: (message: string, reason: Error) => void,
): Promise<Data> => {
  await using held = new AsyncDisposableStack();
  const path = directory ?? held.use(await makeTemporaryData(tmpdir())).path;
  await makeFolder(path).catch((cause: Error) => {
    throw new EideticError('invalid_config', `EIDETIC_DATA_DIR cannot be made: ${cause.message}.`, { cause });
  });
  held.use(await lockDirectory(path));
  const files = held.use(await DirectoryFileStore.open(join(path, 'files')));
  const batches = held.use(await DirectoryBatchStore.open(join(path, 'batches')));
  const batchQueue = held.use(new MemoryBatchQueue((error) => onTrouble('A batch failed, and is tried again.', error)));
  const kept = held.move();
  return { files, batches, batchQueue, [Symbol.asyncDispose]: () => kept.disposeAsync() };
};
