import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { EideticError } from '@eidetic/core';

/** A picture that the user names. */
export interface ChatPicture {
  /** As the user wrote it. */
  readonly name: string;
  /** What goes to the server: bytes, or an address that the server fetches. */
  readonly source: Uint8Array | string;
  /** Where its copy with boxes goes. */
  readonly boxesPath: string;
}

const STDIN = '-';
const ADDRESS = /^(https?:\/\/|data:image\/|eidetic:\/\/)/i;
const PICTURE_NAME = /^[^\s?]+\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

/** Whether an argument means a picture rather than a question. */
export const meansPicture = (text: string): boolean =>
  text === STDIN || ADDRESS.test(text) || existsSync(text) || PICTURE_NAME.test(text);

/** `photo.jpg` → `photo.boxes.jpg`, beside it. */
const boxesPathOf = (path: string): string => join(dirname(path), `${basename(path, extname(path))}.boxes.jpg`);

/**
 * Reads a picture.
 *
 * @param name a path, an address, or `-` for standard input
 * @throws EideticError `invalid_image` if it cannot be read.
 */
export async function readPicture(name: string): Promise<ChatPicture> {
  if (ADDRESS.test(name)) return { name, source: name, boxesPath: '' };
  try {
    const bytes = name === STDIN ? await buffer(process.stdin) : await readFile(name);
    return { name, source: bytes, boxesPath: boxesPathOf(name === STDIN ? 'stdin' : name) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EideticError('invalid_image', `The picture ${name} cannot be read (${reason}).`, { cause });
  }
}
