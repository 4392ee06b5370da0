/** What the files begin with, as Latin-1; a WebP file says so after its length. */
const BEGINNINGS = [
  { mediaType: 'image/jpeg', at: 0, text: '\xff\xd8\xff' },
  { mediaType: 'image/png', at: 0, text: '\x89PNG\r\n' },
  { mediaType: 'image/gif', at: 0, text: 'GIF8' },
  { mediaType: 'image/webp', at: 8, text: 'WEBP' },
] as const;

const LONGEST = 12;

/** Media type of a picture by its first bytes, since some data sets have file names without an extension; undefined for anything else. */
export function mediaTypeOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 0, LONGEST);
  return BEGINNINGS.find(({ at, text }) => start.startsWith(text, at))?.mediaType;
}
