import {
  type Decoder,
  type DecoderLoad,
  EideticError,
  type ErrorCode,
  type GenerateEvent,
  type GenerateRequest,
} from '@eidetic/core';
import { DecoderServiceDefinition } from '@eidetic/proto';
import type { RpcChannel } from '@eidetic/rpc';
import type { DecoderModel } from './decoder-service.ts';
import { readResponse } from './event-messages.ts';
import { toRequestMessage } from './request-message.ts';

/** A decoder in another process. */
export interface RemoteDecoder extends Decoder {
  readonly model: DecoderModel;
  /**
   * How busy it is: at once, then when it has changed, at most every `minIntervalMs` milliseconds. Leave the iteration to end it.
   *
   * @throws EideticError `unavailable` when the decoder drains or is lost, `cancelled`.
   */
  watchLoad(minIntervalMs: number, signal?: AbortSignal): AsyncIterable<DecoderLoad>;
}

const CURED_BY_SENDING: readonly ErrorCode[] = ['embedding_missing', 'invalid_embedding'];

/** The keys whose embeddings to send after `error`; none if the request does not have them all, or it is of no use. */
const keysToSend = ({ code, details }: EideticError, { prompt }: GenerateRequest): ReadonlySet<string> => {
  if (!CURED_BY_SENDING.includes(code)) return new Set();
  const images = prompt.filter((segment) => segment.kind === 'image');
  // A list that is too long for a header is not there.
  const wanted = typeof details.keys === 'string' ? details.keys.split(' ') : images.map(({ key }) => key);
  const carried = new Set(images.flatMap(({ key, embedding }) => (embedding ? key : [])));
  return wanted.every((key) => carried.has(key)) ? new Set(wanted) : new Set();
};

/** One call, with the embeddings under the keys in `inline`. */
async function* call(
  channel: RpcChannel,
  request: GenerateRequest,
  inline: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<GenerateEvent> {
  const { deadlineMs, traceparent } = request;
  const options = { signal, deadlineMs, traceparent };
  const messages = channel.stream(DecoderServiceDefinition, 'generate', toRequestMessage(request, inline), options);
  for await (const message of messages) yield* readResponse(message);
}

/**
 * A decoder behind a gRPC channel. Of pictures only keys are sent; if the decoder does not find an embedding, or finds a bad one, it
 * is sent once, provided that the prompt carries it.
 *
 * @throws EideticError `unavailable` when it cannot be reached or does not serve yet, `cancelled`.
 */
export const createRemoteDecoder = async (channel: RpcChannel, signal?: AbortSignal): Promise<RemoteDecoder> => {
  const model = await channel.unary(DecoderServiceDefinition, 'getModel', {}, { signal });
  return {
    model,
    maxContext: model.maxContext,
    async *generate(request, callSignal) {
      try {
        yield* call(channel, request, new Set(), callSignal);
      } catch (reason) {
        const error = EideticError.from(reason);
        const inline = keysToSend(error, request);
        if (inline.size === 0) throw error;
        // Nothing has been generated: embeddings are looked up first.
        yield* call(channel, request, inline, callSignal);
      }
    },
    async *watchLoad(minIntervalMs, callSignal) {
      const options = { signal: callSignal };
      for await (const { load } of channel.stream(DecoderServiceDefinition, 'watchLoad', { minIntervalMs }, options)) {
        if (load) yield load;
      }
    },
  };
};
