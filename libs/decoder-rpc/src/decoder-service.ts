import { setTimeout as delay } from 'node:timers/promises';
import type { Decoder, DecoderLoad, EmbeddingCache } from '@eidetic/core';
import { DecoderServiceDefinition, type GetModelResponse } from '@eidetic/proto';
import { type CallContext, type Implementation, implement } from '@eidetic/rpc';
import { toResponseMessages } from './event-messages.ts';
import { readyTogether } from './ready-together.ts';
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

/** Bounds of the time between two messages about the load. */
const MIN_INTERVAL_MS = 10;
const MAX_INTERVAL_MS = 60_000;

/**
 * Least time between two writes, as in libs/openai: a small model makes a token in half a millisecond, and what it costs to send each
 * by itself and to wake its reader is time that it does not compute in (docs/decisions/0011-grpc.md).
 */
const GATHER_MS = 5;

const equal = (a: DecoderLoad, b: DecoderLoad | undefined): boolean =>
  a.running === b?.running && a.waiting === b.waiting && a.slots === b.slots && a.kvUsage === b.kvUsage;

/** The load at first, then whenever it has changed; looks every `intervalMs`. Throws the reason for which it ends. */
async function* watchLoad(load: () => DecoderLoad, intervalMs: number, { signal, draining }: CallContext) {
  const ending = AbortSignal.any([signal, draining]);
  let last: DecoderLoad | undefined;
  for (;;) {
    ending.throwIfAborted();
    const now = load();
    if (!equal(now, last)) yield { load: now };
    last = now;
    // The abort is thrown above, as what it is.
    await delay(intervalMs, undefined, { signal: ending }).catch(() => {});
  }
}

/**
 * The gRPC service of a decoder.
 *
 * @param served the decoder; throws `unavailable` while there is none
 */
export const decoderService = (served: () => ServedDecoder): Implementation =>
  implement(DecoderServiceDefinition, {
    async *generate(message, { signal, deadlineMs }) {
      const { decoder, model, embeddings } = served();
      const request = readRequest(message, model, deadlineMs);
      for (const segment of request.prompt) {
        if (segment.kind === 'image' && segment.embedding) await embeddings.set(segment.key, segment.embedding);
      }
      const groups = readyTogether(decoder.generate(request, signal), GATHER_MS);
      for await (const events of groups) yield* toResponseMessages(events);
    },
    getLoad: async () => ({ load: served().load() }),
    watchLoad({ minIntervalMs }, context) {
      const { load } = served();
      return watchLoad(load, Math.min(Math.max(minIntervalMs, MIN_INTERVAL_MS), MAX_INTERVAL_MS), context);
    },
    getModel: async () => served().model,
  });
