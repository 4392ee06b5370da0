import {
  EideticError,
  type EmbeddingCache,
  type EncodeTimings,
  type ImageEmbedding,
  type ImageStore,
  type VisionEncoder,
} from '@eidetic/core';
import type { VisionMetrics } from '@eidetic/telemetry';
import type { Picture, PictureEncoded } from '@eidetic/vision-rpc';
import { type PictureBudget, RETRY_AFTER_MS } from './picture-budget.ts';

/** What pictures are encoded with. */
export interface PictureEncoderParts {
  readonly encoder: VisionEncoder;
  /** Columns of its embeddings. */
  readonly hidden: number;
  /** Embeddings in this process's memory: there when the shared ones are not. */
  readonly memory: EmbeddingCache;
  /** Absent: decoders find nothing that is not sent to them. */
  readonly shared: EmbeddingCache | undefined;
  /** Where the bytes of pictures are that come without. */
  readonly store: ImageStore | undefined;
  /** Most pictures at the same time; one more is refused. */
  readonly maxPictures: number;
  /** The memory that they may take. */
  readonly budget: Pick<PictureBudget, 'admit'>;
  /** Most compressed bytes of a picture in the store. */
  readonly maxImageBytes: number;
  /** Width times height of a compressed picture, from its header; rejects when it is none. */
  readonly pixelsOf: (bytes: Uint8Array) => Promise<number>;
  readonly metrics: Pick<VisionMetrics, 'lookedUp' | 'stage'>;
  /** A clock in milliseconds. */
  readonly now: () => number;
  /** Called after each picture that the encoder has encoded. */
  readonly onEncoded: () => void;
}

const NO_TIMINGS: EncodeTimings = { decodeMs: 0, preprocessMs: 0, encodeMs: 0, encodeShareMs: 0 };

/** Looks pictures up, fetches, encodes and publishes them, each for itself; the encoder makes batches of them. */
export class PictureEncoder {
  readonly #parts: PictureEncoderParts;
  #pictures = 0;

  constructor(parts: PictureEncoderParts) {
    this.#parts = parts;
  }

  /** Pictures that were accepted and have no end yet. */
  get pictures(): number {
    return this.#pictures;
  }

  /**
   * The embedding of a picture, which is in both caches from then on as far as they take it.
   *
   * @throws EideticError `overloaded`, `image_missing`, what the encoder says of it; the signal's reason once it is aborted.
   */
  async encode(picture: Picture, signal: AbortSignal): Promise<PictureEncoded> {
    const { maxPictures } = this.#parts;
    if (this.#pictures >= maxPictures) {
      const details = { limit: maxPictures, retryAfterMs: RETRY_AFTER_MS };
      throw new EideticError('overloaded', `${maxPictures} pictures are being encoded or wait already.`, { details });
    }
    this.#pictures += 1;
    try {
      return (await this.#known(picture.key)) ?? (await this.#compute(picture, signal));
    } finally {
      this.#pictures -= 1;
    }
  }

  async #known(key: string): Promise<PictureEncoded | undefined> {
    const { memory, shared, metrics } = this.#parts;
    const published = await this.#usable(shared?.get(key));
    const embedding = published ?? (await this.#usable(memory.get(key)));
    metrics.lookedUp(embedding === undefined ? 'miss' : 'hit');
    if (embedding === undefined) return undefined;
    const timings = { ...NO_TIMINGS, queueMs: 0 };
    if (published !== undefined) {
      return { embedding, shared: true, cached: true, timings: { ...timings, cacheWriteMs: 0 } };
    }
    // It has left the shared cache, from which a decoder will want it.
    const { stored, cacheWriteMs } = await this.#publish(key, embedding);
    return { embedding, shared: stored, cached: true, timings: { ...timings, cacheWriteMs } };
  }

  /** What is of another shape or not finite is encoded again: decoders refuse it, and ask for just that. */
  async #usable(found: Promise<ImageEmbedding | undefined> | undefined): Promise<ImageEmbedding | undefined> {
    const embedding = await found;
    const { encoder, hidden } = this.#parts;
    const fits = embedding?.tokens === encoder.tokensPerImage && embedding.hidden === hidden;
    return fits && embedding.data.every(Number.isFinite) ? embedding : undefined;
  }

  async #compute(picture: Picture, signal: AbortSignal): Promise<PictureEncoded> {
    const { encoder, memory, metrics, now, onEncoded, budget, maxImageBytes, pixelsOf } = this.#parts;
    signal.throwIfAborted();
    using share = budget.admit(picture.bytes?.byteLength ?? maxImageBytes);
    const bytes = picture.bytes ?? (await this.#fetch(picture));
    share.isKnown(bytes.byteLength, await pixelsOf(bytes));
    const startMs = now();
    const [result] = await encoder.encode([bytes], signal);
    if (!result?.ok) {
      throw result?.error ?? new EideticError('inference_failed', 'The vision encoder gave no result for the picture.');
    }
    onEncoded();
    const { embedding, timings } = result;
    const queueMs = Math.max(0, now() - startMs - timings.decodeMs - timings.preprocessMs - timings.encodeMs);
    metrics.stage('queue', queueMs);
    await memory.set(picture.key, embedding);
    const { stored, cacheWriteMs } = await this.#publish(picture.key, embedding);
    return { embedding, shared: stored, cached: false, timings: { ...timings, queueMs, cacheWriteMs } };
  }

  async #fetch({ scope, imageId }: Picture): Promise<Uint8Array> {
    const { store } = this.#parts;
    const bytes = await store?.get(scope, imageId);
    if (bytes !== undefined) return bytes;
    const place = store
      ? 'in the image store (any more)'
      : 'here, and no image store is set up (EIDETIC_CACHE_REDIS_URL)';
    const message = `The bytes of the picture ${imageId} are not ${place}. Send them along.`;
    throw new EideticError('image_missing', message, { details: { imageId } });
  }

  async #publish(key: string, embedding: ImageEmbedding): Promise<{ stored: boolean; cacheWriteMs: number }> {
    const { shared, metrics, now } = this.#parts;
    if (shared === undefined) return { stored: false, cacheWriteMs: 0 };
    const startMs = now();
    const outcome = await shared.set(key, embedding);
    const cacheWriteMs = now() - startMs;
    metrics.stage('cache_write', cacheWriteMs);
    return { stored: outcome === 'stored', cacheWriteMs };
  }
}
