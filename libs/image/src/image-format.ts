/** What the decoder reads. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';

/** As many of the first bytes of a file as {@link imageFormat} looks at. */
export const FORMAT_BYTES = 64;

/** From which byte on a file has which bytes (latin1). */
const SIGNATURES: readonly (readonly [ImageFormat, ...(readonly [number, string])[]])[] = [
  ['jpeg', [0, '\xff\xd8\xff']],
  ['png', [0, '\x89PNG\r\n\x1a\n']],
  ['webp', [0, 'RIFF'], [8, 'WEBP']],
  ['gif', [0, 'GIF87a']],
  ['gif', [0, 'GIF89a']],
  // Little and big endian, and the same of BigTIFF.
  ['tiff', [0, 'II*\0']],
  ['tiff', [0, 'MM\0*']],
  ['tiff', [0, 'II+\0']],
  ['tiff', [0, 'MM\0+']],
];

/** A file type box (ISO/IEC 14496-12, 4.3) that names AVIF among its brands, four letters each. */
const AVIF = /^.{4}ftyp(?:.{4})*?avi[fs]/s;

/** The format that the first bytes of a file say it has, whatever follows; undefined: none that can be decoded. */
export const imageFormat = (bytes: Uint8Array): ImageFormat | undefined => {
  const { buffer, byteOffset, byteLength } = bytes;
  const head = Buffer.from(buffer, byteOffset, Math.min(byteLength, FORMAT_BYTES)).toString('latin1');
  const found = SIGNATURES.find(([, ...parts]) => parts.every(([at, text]) => head.startsWith(text, at)));
  return found?.[0] ?? (AVIF.test(head) ? 'avif' : undefined);
};
