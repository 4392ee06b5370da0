import { EideticError, type ImageEmbedding } from '@eidetic/core';
import { readEmbedding } from '@eidetic/messages';
import { type EncodedImage, type EncodeOutcome, VisionServiceDefinition } from '@eidetic/proto';
import { type CallOptions, fromStatusMessage, type RpcChannel } from '@eidetic/rpc';
import { groupPictures } from './group-pictures.ts';
import type { StageTimings, VisionLoad, VisionModel } from './served-vision.ts';

/** A picture that is to be encoded elsewhere: what an EncodeJob has, with the bytes where the encoder will not find them. */
export interface PictureJob {
  readonly key: string;
  /** sha256 (hex) of its bytes. */
  readonly imageId: string;
  /** A CacheScope. */
  readonly scope: string;
  /** Compressed. Absent: the encoder takes them from the image store. */
  readonly bytes?: Uint8Array;
}

/** What became of one picture. */
export type PictureResult =
  | {
      readonly ok: true;
      readonly tokens: number;
      readonly hidden: number;
      readonly imageWidth: number;
      readonly imageHeight: number;
      /** Whether it was there already. */
      readonly cached: boolean;
      readonly timings: StageTimings;
      /** When it was asked for, or decoders will not find it under the key: then whoever asked is the only one to have it. */
      readonly embedding?: ImageEmbedding;
    }
  | { readonly ok: false; readonly error: EideticError };

/** How a call is made. */
export interface EncodeOptions extends CallOptions {
  /** Answer with the embeddings in any case. */
  readonly returnEmbeddings?: boolean;
}

/** A vision encoder in another process. */
export interface RemoteVision {
  readonly model: VisionModel;
  /**
   * Encodes pictures; results are in their order. More than fit one message go in several at the same time; a call that fails as a
   * whole (`unavailable`, `deadline_exceeded`, `body_too_large`, …) fails each of its pictures.
   *
   * @throws EideticError the signal's reason once it is aborted, `cancelled` if it is none; nothing else.
   */
  encode(pictures: readonly PictureJob[], options?: EncodeOptions): Promise<readonly PictureResult[]>;
  /**
   * How busy it is: at once, then when it has changed, at most every `minIntervalMs` milliseconds. Leave the iteration to end it.
   *
   * @throws EideticError `unavailable` when the encoder drains or is lost, `cancelled`.
   */
  watchLoad(minIntervalMs: number, signal?: AbortSignal): AsyncIterable<VisionLoad>;
}

const NO_TIMINGS: StageTimings = {
  queueMs: 0,
  decodeMs: 0,
  preprocessMs: 0,
  encodeMs: 0,
  encodeShareMs: 0,
  cacheWriteMs: 0,
};

const failed = (reason: unknown): PictureResult => ({ ok: false, error: EideticError.from(reason) });

const readEncoded = (image: EncodedImage): PictureResult => {
  const { key, tokens, hidden, imageWidth, imageHeight, cached, timings = NO_TIMINGS } = image;
  const embedding = image.embedding && readEmbedding(image.embedding, 'embedding', { key, tokens, hidden });
  const shape = { tokens, hidden, imageWidth, imageHeight };
  return { ok: true, ...shape, cached, timings, ...(embedding && { embedding }) };
};

const readOutcome = ({ key }: PictureJob, message: EncodeOutcome | undefined): PictureResult => {
  const outcome = message?.outcome;
  if (outcome?.$case === 'error') return failed(fromStatusMessage(outcome.value));
  if (outcome?.value.key !== key) {
    return failed(new EideticError('inference_failed', `The vision encoder gave no result for the picture ${key}.`));
  }
  try {
    return readEncoded(outcome.value);
  } catch (reason) {
    return failed(reason);
  }
};

/**
 * A vision encoder behind a gRPC channel.
 *
 * @throws EideticError `unavailable` when it cannot be reached or does not serve yet, `cancelled`.
 */
export const createRemoteVision = async (channel: RpcChannel, signal?: AbortSignal): Promise<RemoteVision> => {
  const model = await channel.unary(VisionServiceDefinition, 'getModel', {}, { signal });

  const call = async (pictures: readonly PictureJob[], options: EncodeOptions): Promise<PictureResult[]> => {
    const images = pictures.map(({ key, imageId, scope, bytes }) => ({ key, imageId, scope, data: bytes }));
    const request = { images, returnEmbeddings: options.returnEmbeddings ?? false };
    try {
      const { outcomes } = await channel.unary(VisionServiceDefinition, 'encode', request, options);
      return pictures.map((picture, i) => readOutcome(picture, outcomes[i]));
    } catch (reason) {
      if (options.signal?.aborted) throw EideticError.from(options.signal.reason);
      return pictures.map(() => failed(reason));
    }
  };

  return {
    model,
    async encode(pictures, options = {}) {
      const groups = groupPictures(pictures, model.maxImages);
      return (await Promise.all(groups.map((group) => call(group, options)))).flat();
    },
    async *watchLoad(minIntervalMs, callSignal) {
      const options = { signal: callSignal };
      for await (const { load } of channel.stream(VisionServiceDefinition, 'watchLoad', { minIntervalMs }, options)) {
        if (load) yield load;
      }
    },
  };
};
