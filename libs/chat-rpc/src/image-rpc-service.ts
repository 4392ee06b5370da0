import type { ResolvedEmbedding } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';
import { refuse, toEmbeddingMessage } from '@eidetic/messages';
import { ImageServiceDefinition, type UploadRequest } from '@eidetic/proto';
import { type CallContext, type Implementation, implement } from '@eidetic/rpc';
import { admit, type Visit } from './admit.ts';
import type { ChatRpcParts } from './api-parts.ts';
import { readImageSource } from './read-image-source.ts';

/** Does the work of a call, in its part of the trace. */
const during = async <T>(
  name: string,
  context: CallContext,
  parts: ChatRpcParts,
  work: (options: Visit['options']) => Promise<T>,
): Promise<T> => {
  using visit = await admit(`eidetic.v1.ImageService/${name}`, context, parts);
  try {
    return await work(visit.options);
  } catch (reason) {
    visit.fail(reason);
    throw reason;
  }
};

/** The size that an upload begins with. */
const requireSize = (sizeBytes: number, maxBytes: number): void => {
  if (sizeBytes === 0) throw refuse('size_bytes', 'is missing; the first message must tell it');
  if (sizeBytes <= maxBytes) return;
  throw new EideticError('image_too_large', `size_bytes: ${sizeBytes} bytes are more than ${maxBytes}.`, {
    details: { param: 'size_bytes', actual: sizeBytes, limit: maxBytes },
  });
};

/**
 * Reads a whole picture.
 *
 * @throws EideticError `invalid_request` when fewer or more bytes come than were announced; `image_too_large`, `overloaded`.
 */
const readUpload = async (
  messages: AsyncIterable<UploadRequest>,
  { bodies, limits }: ChatRpcParts,
  held: DisposableStack,
): Promise<Uint8Array> => {
  let bytes: Uint8Array | undefined;
  let filled = 0;
  for await (const { sizeBytes, chunk } of messages) {
    if (bytes === undefined) {
      requireSize(sizeBytes, limits.maxBodyBytes);
      held.defer(bodies.reserve(sizeBytes));
      bytes = new Uint8Array(sizeBytes);
    }
    if (filled + chunk.length > bytes.length)
      throw refuse('chunk', `more than the announced ${bytes.length} bytes came`);
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  if (bytes === undefined) throw refuse('size_bytes', 'is missing; not one message came');
  if (filled < bytes.length) throw refuse('chunk', `${filled} of the announced ${bytes.length} bytes came`);
  return bytes;
};

/** `eidetic.v1.ImageService` over an image service. */
export const imageRpcService = (parts: ChatRpcParts): Implementation =>
  implement(
    ImageServiceDefinition,
    {
      upload: (messages, context) =>
        during('Upload', context, parts, async (options) => {
          using held = new DisposableStack();
          const bytes = await readUpload(messages, parts, held);
          const { imageId, embedding } = await parts.images.upload(bytes, options, context.signal);
          return { imageId, width: embedding.imageWidth, height: embedding.imageHeight };
        }),
      encode: ({ image }, context) =>
        during('Encode', context, parts, async (options) => {
          const source = readImageSource(image, 'image');
          const found: ResolvedEmbedding = await parts.images.encode(source, options, context.signal);
          return { imageId: found.imageId, embedding: toEmbeddingMessage(found.embedding), cached: found.cached };
        }),
    },
    { maxDurationMs: parts.limits.requestDeadlineMs },
  );
