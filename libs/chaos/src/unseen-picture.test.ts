import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { unseenPicture } from './unseen-picture.ts';

const PICTURE = new URL('../../../test/data/goldens/images/00-name-1.png', import.meta.url);

/** Chunks of a PNG by type; fails where a checksum is wrong. */
function chunks(png: Buffer): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 8; at < png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    expect(png.readUInt32BE(end)).toBe(crc32(png.subarray(at + 4, end)));
    found.push([png.toString('latin1', at + 4, at + 8), png.toString('latin1', at + 8, end)]);
    at = end + 4;
  }
  return found;
}

it('adds one valid chunk to the picture and leaves the others alone', async () => {
  const [header, ...rest] = chunks(await readFile(PICTURE));
  const added = chunks(Buffer.from(await unseenPicture(PICTURE, 'first')));
  expect(added).toEqual([header, ['tEXt', 'Comment\0first'], ...rest]);
});
