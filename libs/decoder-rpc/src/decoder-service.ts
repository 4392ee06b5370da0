import type { Decoder, DecoderLoad, EmbeddingCache } from '@eidetic/core';
import { DecoderServiceDefinition, type GetModelResponse } from '@eidetic/proto';
import { type Implementation, implement, readyTogether, watchChanges } from '@eidetic/rpc';
import { toResponseMessages } from './event-messages.ts';
import { readRequest } from './request-message.ts';

/** What a client must know of the model before it sends prompts. */
export type DecoderModel = GetModelResponse;

/** A decoder that is ready. */
export interface ServedDecoder {
  readonly decoder: Decoder;
  readonly model: DecoderModel;
  readonly load: () => DecoderLoad;
  /** Gets the embeddings that come along with requests. */
  readonly embeddings: EmbeddingCache;
}

/**
 * Least time between two writes, as in libs/openai: a small model makes a token in half a millisecond, and what it costs to send each
 * by itself and to wake its reader is time that it does not compute in (docs/decisions/0011-grpc.md).
 */
const GATHER_MS = 5;

/**
 * The gRPC service of a decoder.
 *
 * @param served the decoder; throws `unavailable` while there is none
 */
export const decoderService = (served: () => ServedDecoder): Implementation =>
  implement(DecoderServiceDefinition, {
    async *generate(message, { signal, deadlineMs, traceparent }) {
      const { decoder, model, embeddings } = served();
      const request = { ...readRequest(message, model, deadlineMs), ...(traceparent !== undefined && { traceparent }) };
      for (const segment of request.prompt) {
        if (segment.kind === 'image' && segment.embedding) await embeddings.set(segment.key, segment.embedding);
      }
      const groups = readyTogether(decoder.generate(request, signal), GATHER_MS);
      for await (const events of groups) yield* toResponseMessages(events);
    },
    getLoad: async () => ({ load: served().load() }),
    async *watchLoad({ minIntervalMs }, context) {
      for await (const load of watchChanges(served().load, minIntervalMs, context)) yield { load };
    },
    getModel: async () => served().model,
  });
