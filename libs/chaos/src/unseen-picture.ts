import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Signature and IHDR chunk: other chunks may follow. */
const HEADER_BYTES = 8 + 25;

/**
 * The same picture in other bytes: a PNG text chunk is added, so that no cache knows it.
 *
 * Format: https://www.w3.org/TR/png-3/#11tEXt
 */
export async function unseenPicture(path: string | URL, label: string): Promise<Uint8Array> {
  const png = await readFile(path);
  const typed = Buffer.from(`tEXtComment\0${label}`, 'latin1');
  const chunk = Buffer.alloc(typed.length + 8);
  chunk.writeUInt32BE(typed.length - 4, 0);
  typed.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(typed), typed.length + 4);
  return Buffer.concat([png.subarray(0, HEADER_BYTES), chunk, png.subarray(HEADER_BYTES)]);
}
