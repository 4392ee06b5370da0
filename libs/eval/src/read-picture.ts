import { readFile } from 'node:fs/promises';
import { EideticError } from '@eidetic/core';
import type { EvalPicture } from './question.ts';

/**
 * The bytes of a picture's file.
 *
 * @throws EideticError `invalid_request` naming the file when it cannot be read.
 */
export async function readPicture(picture: EvalPicture): Promise<Uint8Array> {
  if ('read' in picture) return picture.read();
  return readFile(picture.image).catch((cause: NodeJS.ErrnoException) => {
    throw new EideticError('invalid_request', `The picture ${picture.image} cannot be read: ${cause.message}.`, {
      cause,
    });
  });
}
