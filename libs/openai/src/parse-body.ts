import { randomUUID } from 'node:crypto';
import { announcesPicture, decodeBase64Bytes, InlinePicture } from './inline-picture.ts';

/** A string that begins as a picture's data URI. Within other text pictures stay: putting them back would cost more than it saves. */
const BEGIN = '"data:image/';
/** Longest header of a data URI that is looked for. */
const MAX_HEADER = 128;
/** Shorter ones cost next to nothing as text. */
const MIN_BASE64 = 4096;

/** JSON whose pictures have been taken out. */
interface Cut {
  readonly json: string;
  readonly pictures: readonly InlinePicture[];
  /** Stands in the JSON for the base64 of a picture, its number and a `~` behind. */
  readonly mark: string;
}

/** The header of a data URI whose string begins here, and where its base64 does; `undefined` when none begins here. */
const headerAt = (body: Buffer, quote: number): { readonly header: string; readonly end: number } | undefined => {
  const begin = quote + 1;
  const length = body.subarray(begin, begin + MAX_HEADER).indexOf(',');
  if (length < 0) return undefined;
  const header = body.toString('latin1', begin, begin + length);
  return announcesPicture(header) ? { header, end: begin + length + 1 } : undefined;
};

/** The bytes of base64 that is what encoding them gives again; other alphabets, and what is none, stay text. */
const exactBytes = (base64: Buffer): Buffer | undefined => {
  if (base64.length < MIN_BASE64 || base64.includes('-') || base64.includes('_')) return undefined;
  const bytes = decodeBase64Bytes(base64);
  if (bytes === undefined) return undefined;
  const last = bytes.subarray(bytes.length - (bytes.length % 3 || 3)).toString('base64');
  return last === base64.toString('latin1', base64.length - 4) ? bytes : undefined;
};

/**
 * Takes the base64 of pictures out of JSON. Up to the next quotation mark it is letters, digits, `+`, `/` and `=`: a few of them
 * in its place change neither the structure of the JSON around it, nor whether it is JSON.
 */
const cutPictures = (body: Buffer): Cut => {
  const pictures: InlinePicture[] = [];
  const mark = `~${randomUUID()}~`;
  let json = '';
  let kept = 0;
  for (let begin = body.indexOf(BEGIN); begin >= 0; ) {
    const found = headerAt(body, begin);
    let next = begin + BEGIN.length;
    if (found !== undefined) {
      const quote = body.indexOf('"', found.end);
      next = quote < 0 ? body.length : quote;
      const bytes = exactBytes(body.subarray(found.end, next));
      if (bytes !== undefined) {
        const number = pictures.push(new InlinePicture(found.header, bytes)) - 1;
        json += `${body.toString('utf8', kept, found.end)}${mark}${number}~`;
        kept = next;
      }
    }
    begin = body.indexOf(BEGIN, next);
  }
  return { json: json + body.toString('utf8', kept), pictures, mark };
};

/** How texts get their pictures back. */
const restorerOf = ({ pictures, mark }: Cut) => {
  const marked = new RegExp(`${mark}(\\d+)~`, 'g');
  const alone = new RegExp(`^([^,]*),${mark}(\\d+)~$`);
  return {
    /** The text as it was sent. */
    text: (text: string): string =>
      text.includes(mark)
        ? text.replaceAll(marked, (_, number: string) => pictures[Number(number)]?.bytes.toString('base64') ?? '')
        : text,
    /** The picture that the text is from its first to its last character. */
    picture: (text: string): InlinePicture | undefined => {
      const [, header, number] = alone.exec(text) ?? [];
      const picture = pictures[Number(number)];
      return picture?.header === header ? picture : undefined;
    },
  };
};

/**
 * Puts back what was cut, in place: as text, and as a picture where the `url` of an `image_url` is one. Without recursion: JSON may be
 * deeper than any stack.
 */
const putBack = (root: unknown, cut: Cut): unknown => {
  const restore = restorerOf(cut);
  const top: Record<string, unknown> = { root };
  const waiting: { readonly holder: Record<string, unknown>; readonly name: string }[] = [{ holder: top, name: '' }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { holder, name } = next;
    renameKeys(holder, cut.mark, restore.text);
    for (const key in holder) {
      const value = holder[key];
      if (typeof value === 'string') {
        const picture = name === 'image_url' && key === 'url' ? restore.picture(value) : undefined;
        holder[key] = picture ?? restore.text(value);
      } else if (typeof value === 'object' && value !== null) {
        waiting.push({ holder: value as Record<string, unknown>, name: key });
      }
    }
  }
  return top.root;
};

/** Gives keys their text back, all keys in their order. */
const renameKeys = (holder: Record<string, unknown>, mark: string, restored: (key: string) => string): void => {
  if (Array.isArray(holder) || !Object.keys(holder).some((key) => key.includes(mark))) return;
  const entries = Object.entries(holder);
  for (const [key] of entries) delete holder[key];
  for (const [key, value] of entries) holder[restored(key)] = value;
};

/**
 * What `parseJson` makes of a body, but for large pictures: the `url` of an `image_url` that is a data URI in base64 is an
 * {@link InlinePicture}, decoded from the bytes of the body. Its text is never looked at character by character, which is
 * what takes JSON.parse its time (docs/decisions/0020-pictures-in-bodies.md).
 *
 * @throws what `parseJson` throws for the body as it is.
 */
export const parseBody = (body: Buffer, parseJson: (text: string) => unknown): unknown => {
  const cut = cutPictures(body);
  if (cut.pictures.length === 0) return parseJson(cut.json);
  let parsed: unknown;
  try {
    parsed = parseJson(cut.json);
  } catch {
    // The error is to be about what was sent.
    return parseJson(body.toString());
  }
  return putBack(parsed, cut);
};
