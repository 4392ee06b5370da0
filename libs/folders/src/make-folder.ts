import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, unless they are there. Node's own recursive `mkdir` says ENOENT of a file system that is read-only, and
 * never returns where the system says ENOENT of a folder whose parent is there, as /proc does.
 *
 * @param mode of the folders that are made; default: as the process's mask has it
 * @throws the operating system's error when the folder cannot be made.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  if ((await tryToMake(path, mode)) || dirname(path) === path) return;
  await makeFolder(dirname(path), mode);
  await mkdir(path, mode).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

/** False if the folder above is not there. */
async function tryToMake(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, mode);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return true;
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
