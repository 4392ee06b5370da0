import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryFileStore } from '@eidetic/files';

/** What outlives requests. */
export interface Data extends AsyncDisposable {
  readonly files: DirectoryFileStore;
}

/**
 * Opens what is kept in a directory, which is made if it is not there. Without one, it is kept for as long as this process runs.
 *
 * @throws EideticError `invalid_config` if it cannot be used.
 */
export const openData = async (directory: string | undefined): Promise<Data> => {
  await using held = new AsyncDisposableStack();
  const path = directory ?? (await mkdtemp(join(tmpdir(), 'eidetic-data-')));
  if (directory === undefined) held.defer(() => rm(path, { recursive: true, force: true }));
  const files = held.use(await DirectoryFileStore.open(join(path, 'files')));
  const kept = held.move();
  return { files, [Symbol.asyncDispose]: () => kept.disposeAsync() };
};
