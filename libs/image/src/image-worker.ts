import { EideticError, type ErrorCode, type ErrorDetails } from '@eidetic/core';
import { decodeImage } from './decode-image.ts';
import type { ResizedImage } from './image-pool.ts';
import type { ImageLimits } from './limits.ts';
import { resizeBicubic } from './resize-bicubic.ts';

/** What the pool sends to a worker thread. */
export interface ResizeTask {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly limits: ImageLimits;
}

/** What comes back: error classes do not survive the way between threads, their fields do. */
export type ResizeOutcome =
  | { readonly ok: true; readonly image: ResizedImage }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };

/** Entry point of a worker thread. */
export async function decodeAndResize({ bytes, width, height, limits }: ResizeTask): Promise<ResizeOutcome> {
  try {
    const start = performance.now();
    const decoded = await decodeImage(bytes, limits);
    const decodedAt = performance.now();
    const pixels = resizeBicubic(decoded, width, height);
    const image: ResizedImage = {
      pixels,
      originalWidth: decoded.width,
      originalHeight: decoded.height,
      decodeMs: decodedAt - start,
      resizeMs: performance.now() - decodedAt,
    };
    return { ok: true, image };
  } catch (reason) {
    const { code, message, details } = EideticError.from(reason);
    return { ok: false, code, message, details };
  }
}
