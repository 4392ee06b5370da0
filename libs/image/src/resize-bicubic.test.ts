import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeImage } from './decode-image.ts';
import { resizeBicubic } from './resize-bicubic.ts';
import type { RgbImage } from './rgb-image.ts';

interface PillowCase {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly outWidth: number;
  readonly outHeight: number;
  readonly sha256: string;
}

interface Goldens {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const read = (path: string): Buffer => readFileSync(new URL(path, import.meta.url));
const pillow: { readonly cases: readonly PillowCase[] } = JSON.parse(
  read('../test/data/pillow-bicubic.json').toString(),
);
const goldens = '../../../test/data/goldens';

describe('resizeBicubic', () => {
  it.each(pillow.cases)('equals Pillow: $width × $height to $outWidth × $outHeight, $bits bits', (example) => {
    const resized = resizeBicubic(synthetic(example), example.outWidth, example.outHeight);
    expect([resized.width, resized.height]).toEqual([example.outWidth, example.outHeight]);
    expect(createHash('sha256').update(resized.data).digest('hex')).toBe(example.sha256);
  });

  it.each([
    ['pixels-00.npy', 'images/00-name-1.png'],
    ['pixels-01.npy', 'images/01-name-1.png'],
    ['pixels-wide.npy', 'images/wide.png'],
  ])("gives the reference model's input %s", async (file, image) => {
    const { mean, std }: Goldens = JSON.parse(read(`${goldens}/cases.json`).toString());
    const expected = npyFloat32(read(`${goldens}/${file}`));
    const { data } = resizeBicubic(await decodeImage(read(`${goldens}/${image}`)), 224, 224);
    const plane = 224 * 224;
    expect(expected).toHaveLength(3 * plane);
    const levels = expected.map((value, i) => {
      const channel = Math.floor(i / plane);
      return (value * (std[channel] ?? Number.NaN) + (mean[channel] ?? Number.NaN)) * 255;
    });
    // Undoing the normalisation in float32 leaves less than a thousandth of a level: rounding shows any real difference.
    const worst = levels.reduce((most, level) => Math.max(most, Math.abs(level - Math.round(level))), 0);
    expect(worst).toBeLessThan(0.001);
    const chw = Uint8Array.from({ length: 3 * plane }, (_, i) => data[(i % plane) * 3 + Math.floor(i / plane)] ?? 0);
    expect(Buffer.compare(chw, Uint8Array.from(levels, Math.round))).toBe(0);
  });

  it('leaves a picture that has the size already as it is', () => {
    const image = synthetic({ width: 9, height: 4, bits: 8 });
    expect(resizeBicubic(image, 9, 4).data).toEqual(image.data);
  });
});

/** The pictures that the Pillow file was made from; it describes them. */
function synthetic({ width, height, bits }: Pick<PillowCase, 'width' | 'height' | 'bits'>): RgbImage {
  const level = 255 / (2 ** bits - 1);
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (Math.imul(i, 2654435761) >>> (32 - bits)) * level,
  );
  return { width, height, data };
}

/** Data of a little-endian float32 `.npy` file, version 1: the header's length stands at byte 8. */
function npyFloat32(file: Buffer): Float32Array {
  const start = 10 + file.readUInt16LE(8);
  return new Float32Array(new Uint8Array(file.subarray(start)).buffer);
}
