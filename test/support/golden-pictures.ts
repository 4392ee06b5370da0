import { type GoldenCase, goldenArray, goldens } from './goldens.ts';

/** The features that the reference gives a picture, `[tokens, hidden]`. */
export const featuresOf = ({ image_features }: GoldenCase): Float32Array =>
  goldenArray(image_features ?? { image: '', file: '' });

/** Undoes the reference's normalisation: pixel values `[3, side, side]` to bytes `[side, side, 3]`. */
export function pixelsOf({ pixel_values }: GoldenCase): Uint8Array {
  const pixels = goldenArray(pixel_values ?? { image: '', file: '' });
  const area = pixels.length / 3;
  const bytes = new Uint8Array(pixels.length);
  for (const channel of [0, 1, 2]) {
    for (let i = 0; i < area; i++) {
      const value = (pixels[channel * area + i] ?? 0) * (goldens.std[channel] ?? 1) + (goldens.mean[channel] ?? 0);
      bytes[i * 3 + channel] = Math.round(value * 255);
    }
  }
  return bytes;
}

/** Norm of the difference over the norm of the reference. */
export function relativeError(found: Float32Array, expected: Float32Array): number {
  const norm = (values: Iterable<number>): number => Math.hypot(...values);
  return norm(expected.map((x, i) => x - (found[i] ?? Number.NaN))) / norm(expected);
}
