import type { ImageSource } from '@eidetic/chat';
import { EideticError, type ErrorCode } from '@eidetic/core';
import { announcesPicture, decodeBase64, InlinePicture } from './inline-picture.ts';

const REFERENCE = /^eidetic:\/\/sha256\/([0-9a-f]{64})$/;
/** Longest part of a URL that is repeated in an error: data URIs have megabytes. */
const SHOWN = 60;
const DATA_HINT = 'send the picture itself as a data URI (data:image/png;base64,…)';

/**
 * Where the `image_url.url` of a message points: a base64 data URI of any `image/*` type, `eidetic://sha256/<id>` for a picture
 * sent before, or an http(s) URL, which is not looked at here. The base64 is whole and padded, in the standard or the URL-safe
 * alphabet.
 *
 * @param path names the URL in errors, such as `messages[0].content[1].image_url.url`.
 * @throws EideticError `unsupported_image_source`, or `invalid_image` for broken base64.
 */
export const imageSource = (url: string | InlinePicture, path: string): ImageSource => {
  if (url instanceof InlinePicture) return { kind: 'bytes', bytes: url.bytes };
  const fail = (code: ErrorCode, problem: string): EideticError =>
    new EideticError(code, `${path}: ${problem}`, { details: { param: path } });

  if (/^data:/i.test(url)) {
    const comma = url.indexOf(',');
    if (!announcesPicture(url.slice(0, Math.max(comma, 0)))) {
      throw fail('unsupported_image_source', `this data URI is not base64 of an image/* type; ${DATA_HINT}.`);
    }
    const bytes = decodeBase64(url.slice(comma + 1));
    if (bytes === undefined) {
      throw fail('invalid_image', 'the base64 is empty, cut off or has characters that are not base64.');
    }
    return { kind: 'bytes', bytes };
  }

  const imageId = REFERENCE.exec(url)?.[1];
  if (imageId !== undefined) return { kind: 'reference', imageId };
  if (/^https?:/i.test(url)) return { kind: 'url', url };

  const shown = JSON.stringify(url.length > SHOWN ? `${url.slice(0, SHOWN)}…` : url);
  throw fail(
    'unsupported_image_source',
    `${shown} is not a picture; ${DATA_HINT} or its http(s) URL, or refer to one sent before as eidetic://sha256/<64 hex digits>.`,
  );
};
