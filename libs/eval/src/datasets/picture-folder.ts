import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { DatasetFiles } from '../dataset.ts';

/**
 * The folder of a data set's pictures: the first of these folders in `--images`, or beside the first file, that is there;
 * otherwise that place itself.
 */
export async function pictureFolder({ paths, images }: DatasetFiles, folders: readonly string[] = []): Promise<string> {
  const base = resolve(images ?? dirname(paths[0] ?? '.'));
  for (const folder of folders) {
    const candidate = join(base, folder);
    if (await isFolder(candidate)) return candidate;
  }
  return base;
}

/** Whether there is a folder of this name. */
export async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined); // what cannot be looked at is no folder to look into
  return found?.isDirectory() ?? false;
}
