import {
  EideticError,
  type EmbeddingCache,
  type EncodeHandler,
  type EncodeJobResult,
  type EncodeResult,
  type ImageStore,
  toCacheScope,
  type VisionEncoder,
} from '@eidetic/core';

/** What a handler works with. */
export interface EncodeHandlerParts {
  readonly vision: VisionEncoder;
  /** Where the pictures are. */
  readonly store: ImageStore;
  /** Where the embeddings go. */
  readonly cache: EmbeddingCache;
}

/** Handles batches of the encode queue with a vision encoder in this process. */
export function createEncodeHandler({ vision, store, cache }: EncodeHandlerParts): EncodeHandler {
  return async (jobs, signal) => {
    const uploads = await Promise.all(
      jobs.map(({ scope, imageId }) => {
        const known = toCacheScope(scope);
        return known && store.get(known, imageId);
      }),
    );
    const present = uploads.flatMap((upload) => upload ?? []);
    const results = (await vision.encode(present, signal)).values();
    return Promise.all(
      jobs.map(async ({ key, imageId }, i): Promise<EncodeJobResult> => {
        if (uploads[i] === undefined) {
          const message = `The picture ${imageId} is not in the image store (any more). Send its bytes again.`;
          return { ok: false, error: new EideticError('image_missing', message) };
        }
        const result: EncodeResult | undefined = results.next().value;
        if (result === undefined) {
          const error = new EideticError('inference_failed', 'The vision encoder gave no result for a picture.');
          return { ok: false, error };
        }
        if (!result.ok) return result;
        await cache.set(key, result.embedding);
        return { ok: true, tokens: result.embedding.tokens, timings: result.timings };
      }),
    );
  };
}
