import { EideticError } from '@eidetic/core';
import { Piscina } from 'piscina';
// libvips has to be loaded and set up on the main thread before a worker thread loads it.
import './decode-image.ts';
import type { ResizeOutcome, ResizeTask } from './image-worker.ts';
import { DEFAULT_IMAGE_LIMITS, type ImageLimits } from './limits.ts';
import type { RgbImage } from './rgb-image.ts';

/** A picture at the size that was asked for. */
export interface ResizedImage {
  readonly pixels: RgbImage;
  /** Pixels of the picture as shown, before resizing. */
  readonly originalWidth: number;
  readonly originalHeight: number;
  readonly decodeMs: number;
  readonly resizeMs: number;
}

/** Decodes and resizes pictures on worker threads: the caller's event loop stays free. */
export interface ImagePool {
  /**
   * {@link decodeImage}, then {@link resizeBicubic}. `bytes` may be changed once this has returned its promise.
   * Aborting `signal` takes the picture off the queue, or stops the thread that works on it.
   *
   * @throws EideticError `invalid_image`, `image_too_large`, `cancelled`, `deadline_exceeded`, `unavailable` once closed.
   */
  resize(bytes: Uint8Array, width: number, height: number, signal?: AbortSignal): Promise<ResizedImage>;
  /** Finishes what was accepted, then stops the threads. */
  close(): Promise<void>;
}

/** Starts `threads` worker threads. Each holds at most one decoded picture, so memory is bounded by their number. */
export function createImagePool(options: { readonly threads: number; readonly limits?: ImageLimits }): ImagePool {
  const { threads, limits = DEFAULT_IMAGE_LIMITS } = options;
  const pool = new Piscina<ResizeTask, ResizeOutcome>({
    filename: new URL('./image-worker.ts', import.meta.url).href,
    name: 'decodeAndResize',
    minThreads: threads,
    maxThreads: threads,
  });
  let closed: Promise<void> | undefined;

  return {
    async resize(bytes, width, height, signal) {
      if (closed !== undefined) throw new EideticError('unavailable', 'The image pool is closed.');
      // A view would take its whole buffer along to the other thread.
      const copy = new Uint8Array(bytes);
      const task = { bytes: copy, width, height, limits };
      const outcome = await pool.run(task, { transferList: [copy.buffer], signal: signal ?? null }).catch((reason) => {
        throw EideticError.from(signal?.aborted ? signal.reason : reason);
      });
      if (!outcome.ok) throw new EideticError(outcome.code, outcome.message, { details: outcome.details });
      return outcome.image;
    },
    close() {
      closed ??= pool.close();
      return closed;
    },
  };
}
