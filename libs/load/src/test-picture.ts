import { crc32, deflateSync } from 'node:zlib';

/** Side of a square of one colour, in pixels. */
const SQUARE = 16;

/** A chunk of a PNG file: https://www.w3.org/TR/png-3/#5Chunk-layout */
function chunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const bytes = Buffer.alloc(typed.length + 8);
  bytes.writeUInt32BE(data.length, 0);
  typed.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(typed), typed.length + 4);
  return bytes;
}

/** A PNG of squares in colours that `random` (numbers in [0, 1)) gives: no server has seen it. */
export function testPicture(side: number, random: () => number): Buffer {
  const squares = Math.ceil(side / SQUARE);
  const colours = Uint8Array.from({ length: squares * squares * 3 }, () => Math.floor(256 * random()));
  // Each row begins with the number of its filter: 0 for none.
  const rows = Buffer.alloc(side * (1 + side * 3));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = 3 * (Math.floor(y / SQUARE) * squares + Math.floor(x / SQUARE));
      rows.set(colours.subarray(from, from + 3), y * (1 + side * 3) + 1 + 3 * x);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // 8 bits, red green blue, and the only compression, filters and order of rows that there are.
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.of()),
  ]);
}
