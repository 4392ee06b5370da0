import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { z } from 'zod';
import { type Manifest, manifestSchema } from './manifest.ts';

/** Name of the manifest inside a bundle; it is written last. */
export const MANIFEST_FILE = 'manifest.json';

/** A bundle whose manifest is valid and whose files are there in full. */
export interface Bundle {
  readonly directory: string;
  readonly manifest: Manifest;
  /** Absolute path of one of its files. */
  path(file: string): string;
}

/**
 * Opens a bundle and checks that every file has the size that the manifest names.
 *
 * @throws EideticError `invalid_bundle`
 */
export async function openBundle(directory: string): Promise<Bundle> {
  const path = (file: string): string => join(directory, file);
  const manifest = parseManifest(directory, await readManifest(path(MANIFEST_FILE)));
  for (const file of manifest.files) {
    const size = await stat(path(file.path)).then(
      (stats) => stats.size,
      () => undefined,
    );
    if (size !== file.size) {
      const found = size === undefined ? 'is missing' : `has ${size} bytes instead of ${file.size}`;
      throw new EideticError('invalid_bundle', `${path(file.path)} ${found}. Convert the checkpoint again.`);
    }
  }
  return { directory, manifest, path };
}

async function readManifest(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const message = `${path} cannot be read. Is this a bundle made by 'eidetic convert'?`;
    throw new EideticError('invalid_bundle', message, { cause });
  }
}

function parseManifest(directory: string, text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new EideticError('invalid_bundle', `${join(directory, MANIFEST_FILE)} is not JSON.`, { cause });
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const message = `${join(directory, MANIFEST_FILE)} is not a manifest of this version: ${z.prettifyError(parsed.error)}`;
  throw new EideticError('invalid_bundle', message);
}
