import { EideticError } from '@eidetic/core';
import { refuse, toEmbeddingMessage } from '@eidetic/messages';
import { type EncodeOutcome, type ImageToEncode, VisionServiceDefinition } from '@eidetic/proto';
import { type CallContext, type Implementation, implement, toStatusMessage, watchChanges } from '@eidetic/rpc';
import { readImage } from './image-message.ts';
import type { PictureEncoded, ServedVision } from './served-vision.ts';

const toOutcome = (key: string, encoded: PictureEncoded, inline: boolean): EncodeOutcome => {
  const { embedding, cached, timings } = encoded;
  const { tokens, hidden, imageWidth, imageHeight } = embedding;
  const sent = inline ? toEmbeddingMessage(embedding) : undefined;
  const value = { key, tokens, hidden, imageWidth, imageHeight, cached, timings, embedding: sent };
  return { outcome: { $case: 'encoded', value } };
};

interface HowToAnswer {
  readonly returnEmbeddings: boolean;
}

/** What becomes of one picture; rejects only when the call has ended. */
const encodeOne = async (
  message: ImageToEncode,
  path: string,
  { encode, model, onOutcome }: ServedVision,
  { returnEmbeddings, signal, traceparent }: Pick<CallContext, 'signal' | 'traceparent'> & HowToAnswer,
): Promise<EncodeOutcome> => {
  try {
    const picture = readImage(message, path, model.fingerprint);
    const encoded = await encode(traceparent === undefined ? picture : { ...picture, traceparent }, signal);
    onOutcome(encoded.cached ? 'cached' : 'encoded');
    return toOutcome(message.key, encoded, returnEmbeddings || !encoded.shared);
  } catch (reason) {
    const error = EideticError.from(signal.aborted ? signal.reason : reason);
    onOutcome(error);
    signal.throwIfAborted();
    return { outcome: { $case: 'error', value: toStatusMessage(error) } };
  }
};

const requireCount = (count: number, maxImages: number): void => {
  if (count === 0) throw refuse('images', 'is empty');
  if (count <= maxImages) return;
  const message = `images: ${count} pictures are more than ${maxImages}. Send them in several calls.`;
  throw new EideticError('too_many_images', message, { details: { param: 'images', actual: count, limit: maxImages } });
};

/**
 * The gRPC service of a vision encoder.
 *
 * @param served the encoder; throws `unavailable` while there is none
 */
export const visionService = (served: () => ServedVision): Implementation =>
  implement(VisionServiceDefinition, {
    async encode({ images, returnEmbeddings }, context) {
      const vision = served();
      requireCount(images.length, vision.model.maxImages);
      const how = { ...context, returnEmbeddings };
      return { outcomes: await Promise.all(images.map((image, i) => encodeOne(image, `images[${i}]`, vision, how))) };
    },
    getLoad: async () => ({ load: served().load() }),
    async *watchLoad({ minIntervalMs }, context) {
      for await (const load of watchChanges(served().load, minIntervalMs, context)) yield { load };
    },
    getModel: async () => served().model,
  });
