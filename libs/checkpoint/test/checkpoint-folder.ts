import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { expect } from 'vitest';
import { openCheckpoint } from '../src/index.ts';

/** File name to contents; what is neither bytes nor text is written as JSON. */
export type Files = Readonly<Record<string, unknown>>;

/** A folder with a `config.json` and the given files, removed when the caller's scope ends. */
export async function checkpointFolder(files: Files): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'checkpoint-'));
  for (const [name, contents] of Object.entries({ 'config.json': {}, ...files })) {
    const isPlain = typeof contents === 'string' || contents instanceof Uint8Array;
    await writeFile(join(folder.path, name), isPlain ? contents : JSON.stringify(contents));
  }
  return folder;
}

/** Opens a checkpoint of the given files, which must be refused, and returns the message. */
export async function refusalOf(files: Files): Promise<string> {
  await using folder = await checkpointFolder(files);
  const error = await openCheckpoint(folder.path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EideticError);
  expect(error).toMatchObject({ code: 'invalid_checkpoint' });
  return error instanceof EideticError ? error.message : '';
}
