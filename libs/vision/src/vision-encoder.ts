import type { Manifest } from '@eidetic/bundle';
import { EideticError, type EncodeResult, type VisionEncoder } from '@eidetic/core';
import type { ResizedImage } from '@eidetic/image';
import type { Environment, SessionOptions } from '@eidetic/ort';
import { createBatcher } from './batcher.ts';
import { untilAborted } from './until-aborted.ts';
import { createVisionGraph } from './vision-graph.ts';

/** What a model family does to a compressed picture before its vision graph sees it. */
export type Preprocess = (bytes: Uint8Array, signal?: AbortSignal) => Promise<ResizedImage>;

/** How a vision encoder is made. */
export interface VisionEncoderOptions {
  /** An opened bundle, of which only the vision part is used. */
  readonly bundle: { readonly manifest: Pick<Manifest, 'vision'>; path(file: string): string };
  readonly environment: Environment;
  /** How the graph is loaded: provider and threads. */
  readonly session?: SessionOptions;
  readonly preprocess: Preprocess;
  /** Most pictures in one run of the graph. */
  readonly maxBatch: number;
  /** Told of each run of the graph that has ended well: how many pictures it took, and how long. Must not throw. */
  readonly onBatch?: (pictures: number, encodeMs: number) => void;
}

/** A vision encoder in this process. */
export interface LocalVisionEncoder extends VisionEncoder {
  /** Pictures in the graph's present run; 0 between runs. */
  readonly running: number;
  /** Refuses new work, finishes what was accepted, then frees the graph. */
  close(): Promise<void>;
}

/**
 * Loads a bundle's vision graph. Pictures of all callers are decoded side by side and share batches: whatever is ready
 * when the graph falls idle runs next, while later pictures are still being decoded.
 *
 * @throws EideticError `invalid_bundle`, `invalid_config`.
 */
export async function createVisionEncoder(options: VisionEncoderOptions): Promise<LocalVisionEncoder> {
  const { bundle, environment, session, preprocess, maxBatch, onBatch } = options;
  const { vision } = bundle.manifest;
  const loaded = await environment.createSession(bundle.path(vision.graph), session);
  const graph = createVisionGraph(loaded, vision, maxBatch);
  let running = 0;
  const batcher = createBatcher(maxBatch, async (pixels: readonly Uint8Array[]) => {
    running = pixels.length;
    try {
      const encoded = await graph.run(pixels);
      onBatch?.(pixels.length, encoded[0]?.encodeMs ?? 0);
      return encoded;
    } finally {
      running = 0;
    }
  });
  const inFlight = new Set<Promise<unknown>>();
  let closed: Promise<void> | undefined;

  const encodeOne = async (bytes: Uint8Array, signal?: AbortSignal): Promise<EncodeResult> => {
    try {
      const image = await untilAborted(preprocess(bytes, signal), signal);
      const pixels = image.pixels.data;
      if (pixels.length !== graph.pixelBytes) {
        const message = `Preprocessing made ${pixels.length} bytes of pixels; the vision graph takes ${graph.pixelBytes}.`;
        throw new EideticError('internal', message);
      }
      const { features, encodeMs, encodeShareMs } = await batcher.submit(pixels, signal);
      requireFinite(features);
      return {
        ok: true,
        embedding: {
          data: features,
          tokens: vision.tokensPerImage,
          hidden: vision.hidden,
          imageWidth: image.originalWidth,
          imageHeight: image.originalHeight,
        },
        timings: { decodeMs: image.decodeMs, preprocessMs: image.resizeMs, encodeMs, encodeShareMs },
      };
    } catch (error) {
      return { ok: false, error: EideticError.from(error) };
    }
  };

  const close = async (): Promise<void> => {
    await Promise.all(inFlight);
    graph.release();
  };

  return {
    fingerprint: vision.fingerprint,
    tokensPerImage: vision.tokensPerImage,
    get running() {
      return running;
    },
    async encode(images, signal) {
      if (closed !== undefined) throw new EideticError('unavailable', 'The vision encoder is closed.');
      if (signal?.aborted) throw EideticError.from(signal.reason);
      const work = Promise.all(images.map((bytes) => encodeOne(bytes, signal)));
      inFlight.add(work);
      void work.then(() => inFlight.delete(work));
      const results = await work;
      // What runs cannot be interrupted, and what has run is worth keeping.
      if (signal?.aborted && !results.every(({ ok }) => ok)) throw EideticError.from(signal.reason);
      return results;
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** A NaN or an infinity makes the sum one; finite float32 values cannot overflow a double. */
function requireFinite(features: Float32Array): void {
  let sum = 0;
  for (const value of features) sum += value;
  if (Number.isFinite(sum)) return;
  throw new EideticError(
    'inference_failed',
    'The vision graph made values that are not finite. Use a bundle of higher precision.',
  );
}
