import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { z } from 'zod';
import { type Manifest, manifestSchema } from './manifest.ts';

/** Name of the manifest inside a bundle; it is written last. */
export const MANIFEST_FILE = 'manifest.json';

const CHUNK_BYTES = 2 ** 20;

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

/**
 * Reads every file of a bundle and compares its sha256 with the manifest; takes about a second for a GiB.
 *
 * @throws EideticError `invalid_bundle` naming the first file that differs; `cancelled`.
 */
export async function verifyBundle(bundle: Bundle, signal?: AbortSignal): Promise<void> {
  for (const file of bundle.manifest.files) {
    const hash = createHash('sha256');
    const stream = createReadStream(bundle.path(file.path), { highWaterMark: CHUNK_BYTES, ...(signal && { signal }) });
    try {
      for await (const chunk of stream) hash.update(chunk as Buffer);
    } catch (error) {
      throw EideticError.from(error);
    }
    const found = hash.digest('hex');
    if (found !== file.sha256) {
      const message = `${bundle.path(file.path)} has sha256 ${found}, the manifest says ${file.sha256}. Convert the checkpoint again.`;
      throw new EideticError('invalid_bundle', message);
    }
  }
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
