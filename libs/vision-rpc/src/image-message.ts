import { hash } from 'node:crypto';
import { type CacheScope, EideticError, embeddingKey, SHARED_SCOPE, toCacheScope } from '@eidetic/core';
import { refuse, shortText } from '@eidetic/messages';
import type { ImageToEncode } from '@eidetic/proto';
import type { Picture } from './served-vision.ts';

const IMAGE_ID = /^[0-9a-f]{64}$/;

/** A key is never taken on trust: under a wrong one, another picture's embedding would be found. */
const requireKey = (path: string, { key, imageId }: ImageToEncode, scope: CacheScope, fingerprint: string): void => {
  const scopes = [scope, SHARED_SCOPE];
  if (scopes.some((allowed) => key === embeddingKey(allowed, fingerprint, imageId))) return;
  const known = scopes.some((allowed) => key.startsWith(`${allowed}:`)) && key.endsWith(`:${imageId}`);
  const [, wanted = ''] = key.split(':');
  if (!known || wanted === fingerprint) {
    throw refuse(`${path}.key`, `${JSON.stringify(key)} is not the key of this picture in scope ${scope}`);
  }
  const message = `${path}.key: the embedding is wanted of the encoder ${wanted}; this one is ${fingerprint}.`;
  throw new EideticError('model_not_found', message, { details: { param: `${path}.key`, fingerprint } });
};

/**
 * Reads a picture.
 *
 * @param path of the message in the request
 * @throws EideticError `invalid_request` for an id, a scope or a key that is none, or is not that of the picture; `model_not_found` for
 *   the key of another encoder.
 */
export const readImage = (message: ImageToEncode, path: string, fingerprint: string): Picture => {
  const { key, imageId, data: bytes } = message;
  shortText(`${path}.key`, key);
  if (!IMAGE_ID.test(shortText(`${path}.image_id`, imageId))) {
    throw refuse(`${path}.image_id`, `${JSON.stringify(imageId)} is not a sha256 in 64 lower-case hex digits`);
  }
  const scope = toCacheScope(shortText(`${path}.scope`, message.scope));
  if (scope === undefined) throw refuse(`${path}.scope`, `${JSON.stringify(message.scope)} is not a scope`);
  requireKey(path, message, scope, fingerprint);
  if (bytes === undefined) return { key, imageId, scope };
  if (hash('sha256', bytes, 'hex') !== imageId) throw refuse(`${path}.data`, `its sha256 is not ${imageId}`);
  return { key, imageId, scope, bytes };
};
