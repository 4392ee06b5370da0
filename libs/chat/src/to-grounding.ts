import type { Region } from '@eidetic/core';
import type { Grounding, ResolvedImage } from './types.ts';

/**
 * Scales a region to the pixels of the picture that it lies in: the one the answer names, otherwise `picture`.
 * Pixels are whole numbers: the model's grid of 1000 steps is no finer, and rounding, unlike cutting, does not pull
 * every box towards the top left. `undefined` when there is no such picture.
 */
export function toGrounding(region: Region, images: readonly ResolvedImage[], picture: number): Grounding | undefined {
  const named = region.picture !== undefined && region.picture < images.length;
  const imageIndex = named ? region.picture : picture;
  const image = images[imageIndex];
  if (image === undefined) return undefined;
  const points = region.corners.map(({ x, y }) => ({
    x: Math.round(x * image.width),
    y: Math.round(y * image.height),
  }));
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return {
    text: region.text,
    box: { x1: Math.min(...xs), y1: Math.min(...ys), x2: Math.max(...xs), y2: Math.max(...ys) },
    ...(region.shape === 'quad' ? { quad: points } : {}),
    imageIndex,
  };
}
