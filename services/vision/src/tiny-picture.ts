import { EideticError, type VisionEncoder } from '@eidetic/core';

/** A white picture of one pixel, as PNG. */
const TINY_PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==',
  'base64',
);

/**
 * Encodes a picture that is as small as one can be: all that encoding takes, decoder, threads and graph, has to work for it.
 *
 * @throws what is wrong with the encoder; the signal's reason once it is aborted.
 */
export const encodeTinyPicture = async (encoder: VisionEncoder, signal: AbortSignal): Promise<void> => {
  const [result] = await encoder.encode([TINY_PICTURE], signal);
  if (!result?.ok) throw result?.error ?? new EideticError('inference_failed', 'The vision encoder gave no result.');
};
