import type { CacheScope, EideticError, EncodeTimings, ImageEmbedding } from '@eidetic/core';
import type { VisionServiceGetModelResponse } from '@eidetic/proto';

/** What a client must know of the encoder before it sends pictures. */
export type VisionModel = VisionServiceGetModelResponse;

/** A picture that is to be encoded. */
export interface Picture {
  /** Where its embedding goes: `embeddingKey` of its scope, or of the shared one. */
  readonly key: string;
  /** sha256 (hex) of its bytes. */
  readonly imageId: string;
  /** Whose uploads it is found among. */
  readonly scope: CacheScope;
  /** Its compressed bytes; absent: they are in the image store. */
  readonly bytes?: Uint8Array;
  /** Trace context (W3C) of the call. */
  readonly traceparent?: string;
}

/** Where the time of one picture went, in milliseconds; 0 for what did not have to be done. */
export interface StageTimings extends EncodeTimings {
  /** Waiting for a thread that decodes, and for a batch. */
  readonly queueMs: number;
  /** Writing the embedding to the shared cache. */
  readonly cacheWriteMs: number;
}

/** A picture that has an embedding. */
export interface PictureEncoded {
  readonly embedding: ImageEmbedding;
  /** Whether decoders find it in a shared cache, too. */
  readonly shared: boolean;
  /** Whether it was there already. */
  readonly cached: boolean;
  readonly timings: StageTimings;
}

/** How busy an encoder is. */
export interface VisionLoad {
  /** Pictures in the run of the graph. */
  readonly running: number;
  /** Pictures before or after it. */
  readonly waiting: number;
  /** Most pictures of one run. */
  readonly maxBatch: number;
}

/** A vision encoder that is ready. */
export interface ServedVision {
  readonly model: VisionModel;
  readonly load: () => VisionLoad;
  /**
   * Encodes one picture; those that are there at the same time share batches.
   *
   * @throws EideticError what is wrong with the picture or the encoder; the signal's reason once it is aborted.
   */
  encode(picture: Picture, signal: AbortSignal): Promise<PictureEncoded>;
  /** Told what became of each picture, the wrong ones included, before its caller is. Must not throw. */
  readonly onOutcome: (outcome: 'encoded' | 'cached' | EideticError) => void;
}
