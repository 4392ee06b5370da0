import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import type { Manifest } from './manifest.ts';
import type { Bundle } from './open.ts';
import { VerifiedFiles } from './verified-files.ts';

const CHUNK_BYTES = 2 ** 20;

/** What can be loaded of a bundle without the rest. The tokenizer belongs to all. */
export type BundlePart = 'vision' | 'decoder';

/** A file and what it should hold. */
export type ListedFile = Manifest['files'][number];

/** How closely files are looked at. */
export interface VerifyOptions {
  /**
   * Folder that remembers which files were found whole: they are read again only once they have been written to, moved to another
   * disk or copied. Without it every byte is read.
   */
  readonly memory?: string;
  readonly signal?: AbortSignal;
}

/**
 * Compares the sha256 of a bundle's files with the manifest; takes about a second for a GiB.
 *
 * @param parts what will be loaded: files that only other parts need are not read. Default: all.
 * @throws EideticError `invalid_bundle` naming the first file that differs; `cancelled`.
 */
export function verifyBundle(
  bundle: Bundle,
  { parts, ...options }: VerifyOptions & { readonly parts?: readonly BundlePart[] } = {},
): Promise<void> {
  return verifyFiles(bundle.directory, filesOf(bundle.manifest, parts), options);
}

/** The files of a bundle that loading some of its parts reads. */
export function filesOf(
  manifest: Manifest,
  parts: readonly BundlePart[] = ['vision', 'decoder'],
): readonly ListedFile[] {
  const { vision, decoder, embeddings } = manifest;
  const owners = new Map<string, BundlePart>([
    [stemOf(vision.graph), 'vision'],
    [stemOf(decoder.graph), 'decoder'],
    [stemOf(embeddings.file), 'decoder'],
  ]);
  return manifest.files.filter(({ path }) => {
    const owner = owners.get(stemOf(path));
    return owner === undefined || parts.includes(owner);
  });
}

/** A graph and its weights differ in the ending only. */
const stemOf = (file: string): string => file.replace(/\.[^.]*$/, '');

/**
 * Compares the sha256 of files in a folder with a list.
 *
 * @throws EideticError `invalid_bundle` naming the first file that differs; `cancelled`.
 */
export async function verifyFiles(
  directory: string,
  files: readonly ListedFile[],
  { memory, signal }: VerifyOptions = {},
): Promise<void> {
  const verified = memory === undefined ? undefined : await VerifiedFiles.open(memory, directory);
  for (const file of files) {
    // Before the file is read: a change meanwhile shows.
    const appearance = await verified?.appearance(file);
    if (appearance !== undefined && verified?.has(file, appearance)) continue;
    const path = join(directory, file.path);
    const found = await sha256Of(path, signal);
    if (found !== file.sha256) {
      const message = `${path} has sha256 ${found}, the manifest says ${file.sha256}. Convert the checkpoint again.`;
      throw new EideticError('invalid_bundle', message);
    }
    if (appearance !== undefined) await verified?.add(file, appearance);
  }
}

/**
 * The sha256 of a file, in hexadecimal.
 *
 * @throws EideticError `cancelled`; `internal` when the file cannot be read.
 */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES, ...(signal && { signal }) });
  try {
    for await (const chunk of stream) hash.update(chunk as Buffer);
  } catch (error) {
    throw EideticError.from(error);
  }
  return hash.digest('hex');
}
