import { EideticError, type ImageEmbedding, type VisionEncoder } from '@eidetic/core';
import { untilAborted } from './until-aborted.ts';

/**
 * Encodes one picture.
 *
 * @throws EideticError what is wrong with it; what the encoder throws; the signal's reason as soon as it is aborted.
 */
export async function encodePicture(
  vision: VisionEncoder,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<ImageEmbedding> {
  const [result] = await untilAborted(vision.encode([bytes], signal), signal);
  if (result?.ok) return result.embedding;
  throw result?.error ?? new EideticError('inference_failed', 'The vision encoder gave no result.');
}
