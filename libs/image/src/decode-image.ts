import { isMainThread } from 'node:worker_threads';
import { EideticError } from '@eidetic/core';
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { DEFAULT_IMAGE_LIMITS, type ImageLimits } from './limits.ts';
import type { RgbImage } from './rgb-image.ts';

// Process-wide libvips settings, made here because nothing else in the system touches libvips: once, on the main thread, which loads this
// before it starts worker threads. A thread that made them again would block all parsers for a moment, while others open pictures.
if (isMainThread) {
  // Every picture is decoded once: an operation cache would only hold memory.
  sharp.cache(false);
  // One thread per picture. libvips would otherwise start one per core for each, beside the inference threads.
  sharp.concurrency(1);
  // Only these parsers ever see untrusted bytes; SVG, PDF and the rest are refused unopened.
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: [
      'VipsForeignLoadJpeg',
      'VipsForeignLoadPng',
      'VipsForeignLoadWebp',
      'VipsForeignLoadNsgif',
      'VipsForeignLoadTiff',
      'VipsForeignLoadHeif',
    ],
  });
}

/** Pixels of a picture. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

const ACCEPTED = 'Send a complete JPEG, PNG, WebP, GIF, TIFF or AVIF file.';

/** Bounds the time that one hostile file can take; 50 megapixels of JPEG take about a second. */
const TIMEOUT_SECONDS = 20;

/**
 * Decodes a compressed picture to what a viewer shows, as 8-bit RGB. Runs on libuv's thread pool.
 *
 * - EXIF orientation is applied. Qwen-VL's reference code does not apply it; boxes would lie in the stored orientation.
 * - Transparency is laid on white. The reference drops alpha, which uncovers whatever colour lies under it.
 * - ICC profiles are ignored, as in the reference, except for CMYK, where the profile gives the colours meaning.
 * - 16-bit and float channels are scaled to 8 bits, grey and palette pictures become RGB, animations show frame one.
 * - Broken data is refused where a decoder would fill in grey rows; harmless warnings (trailing bytes) are not errors.
 *
 * @throws EideticError `image_too_large`, from the header alone; `invalid_image`.
 */
export async function decodeImage(bytes: Uint8Array, limits: ImageLimits = DEFAULT_IMAGE_LIMITS): Promise<RgbImage> {
  const { space } = await readHeader(bytes, limits);
  const options: SharpOptions = { failOn: 'error', ignoreIcc: space !== 'cmyk', limitInputPixels: limits.maxPixels };
  const { data, info } = await orRefuse(() =>
    sharp(bytes, options)
      .timeout({ seconds: TIMEOUT_SECONDS })
      .autoOrient()
      .flatten({ background: 'white' })
      .raw({ depth: 'uchar' })
      // Not toUint8Array(): in sharp 0.35.5 it never frees the native pixels (measured: 9 MB more with every 9 MB picture).
      .toBuffer({ resolveWithObject: true }),
  );
  return { width: info.width, height: info.height, data };
}

/**
 * The size of a picture as shown, in pixels, from its header alone: what comes after it may still be broken.
 *
 * @throws EideticError `image_too_large`, `invalid_image`.
 */
export async function probeImage(bytes: Uint8Array, limits: ImageLimits = DEFAULT_IMAGE_LIMITS): Promise<ImageSize> {
  const { autoOrient } = await readHeader(bytes, limits);
  return { width: autoOrient.width, height: autoOrient.height };
}

async function readHeader(bytes: Uint8Array, limits: ImageLimits): Promise<Metadata> {
  if (bytes.length === 0) throw new EideticError('invalid_image', `The image is empty. ${ACCEPTED}`);
  if (bytes.length > limits.maxBytes) throw tooLarge('bytes', bytes.length, limits.maxBytes);
  // sharp's own limit on pixels would answer before ours can name the numbers.
  const metadata = await orRefuse(() => sharp(bytes, { limitInputPixels: false }).metadata());
  const { width, height } = metadata;
  if (width * height > limits.maxPixels) {
    throw tooLarge(`pixels (${width} × ${height})`, width * height, limits.maxPixels);
  }
  if (Math.max(width, height) > limits.maxSide) {
    throw tooLarge('pixels along one side', Math.max(width, height), limits.maxSide);
  }
  return metadata;
}

async function orRefuse<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new EideticError('invalid_image', `The image cannot be decoded (${reason}). ${ACCEPTED}`, { cause });
  }
}

function tooLarge(unit: string, actual: number, limit: number): EideticError {
  const message = `The image has ${actual} ${unit}; at most ${limit} are accepted. Send a smaller version.`;
  return new EideticError('image_too_large', message, { details: { actual, limit } });
}
