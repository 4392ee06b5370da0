import { EideticError, type ImageEmbedding, type VisionEncoder } from '@eidetic/core';

/**
 * Encodes one picture.
 *
 * @throws EideticError what is wrong with it; what the encoder throws.
 */
export async function encodePicture(
  vision: VisionEncoder,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<ImageEmbedding> {
  const [result] = await vision.encode([bytes], signal);
  if (result?.ok) return result.embedding;
  throw result?.error ?? new EideticError('inference_failed', 'The vision encoder gave no result.');
}
