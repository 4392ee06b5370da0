import type { ImagePart } from './messages.ts';

/**
 * Where a picture comes from: a `File` or `Blob`, its bytes, a `data:`, `http(s):` or `eidetic:` address, the id (sha256 in hex) of
 * a picture that the server has seen, or that of a file (`file-…`) that was uploaded to it.
 */
export type ImageSource = Blob | Uint8Array | ArrayBuffer | URL | string;

const IMAGE_ID = /^[0-9a-f]{64}$/;
const ADDRESS = /^(data:image\/|https?:\/\/|eidetic:\/\/|file-\w)/i;

/** How the formats begin that the server reads: https://en.wikipedia.org/wiki/List_of_file_signatures */
const SIGNATURES: readonly (readonly [string, RegExp])[] = [
  ['image/png', /^\x89PNG/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8/],
  ['image/webp', /^RIFF.{4}WEBP/s],
  ['image/bmp', /^BM/],
  ['image/tiff', /^(II\*\0|MM\0\*)/],
  ['image/avif', /^.{4}ftypavi[fs]/s],
];

/** Bytes that become a string at a time: more arguments than this overflow the stack in some browsers. */
const PIECE = 0x8000;

const binaryString = (bytes: Uint8Array): string => {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + PIECE)));
  }
  return pieces.join('');
};

const dataUri = (bytes: Uint8Array, type = ''): string => {
  const binary = binaryString(bytes);
  // The server looks at the bytes, not at the name of their type; one must be given.
  const known = SIGNATURES.find(([, signature]) => signature.test(binary.slice(0, 16)))?.[0] ?? 'image/png';
  return `data:${type.startsWith('image/') ? type : known};base64,${btoa(binary)}`;
};

const urlOf = async (source: ImageSource): Promise<string> => {
  if (source instanceof Blob) return dataUri(new Uint8Array(await source.arrayBuffer()), source.type);
  if (source instanceof ArrayBuffer) return dataUri(new Uint8Array(source));
  if (source instanceof Uint8Array) return dataUri(source);
  const text = String(source);
  if (IMAGE_ID.test(text)) return `eidetic://sha256/${text}`;
  if (ADDRESS.test(text)) return text;
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  throw new TypeError(`${shown} is no picture: give its bytes, a Blob, an http(s), data or eidetic address, or an id.`);
};

/**
 * Makes a picture a part of a message.
 *
 * @throws TypeError for a text that is neither an address nor an id.
 */
export const image = async (source: ImageSource): Promise<ImagePart> => ({
  type: 'image_url',
  image_url: { url: await urlOf(source) },
});
