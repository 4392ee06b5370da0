import type { ImagePool, ResizedImage } from '@eidetic/image';

/**
 * Qwen-VL's picture input: the whole picture squeezed to `imageSize` × `imageSize`, no crop, no padding, Pillow's
 * bicubic (`image_transform` of the checkpoint's `visual.py`). Pixels stay 8-bit RGB `[imageSize, imageSize, 3]`: the
 * exporter folds the CLIP normalisation into the vision graph.
 */
export function createPreprocess(
  pool: ImagePool,
  imageSize: number,
): (bytes: Uint8Array, signal?: AbortSignal) => Promise<ResizedImage> {
  return (bytes, signal) => pool.resize(bytes, imageSize, imageSize, signal);
}
