import { randomUUID } from 'node:crypto';
import type { ChatEvent, ChatService } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';
import type { FastifyBaseLogger } from 'fastify';
import { type CompletionHead, chatCompletion } from './chat-completion.ts';
import { type ChatCompletionRequest, parseChatCompletionRequest } from './chat-completion-request.ts';
import { refuseOtherModels } from './routes/models.ts';
import { systemFingerprint } from './system-fingerprint.ts';
import { nameForClient, type WireNames } from './wire-names.ts';

/** What a body is answered with. */
export interface ChatAnswerer {
  readonly service: ChatService;
  readonly maxImages: number;
}

/** Whom a body is answered for, and until when: what HTTP says beside it. */
export interface ChatCircumstances {
  readonly tenant: string | undefined;
  /** Milliseconds since 1970. */
  readonly deadlineMs: number;
  /** Trace context (W3C). */
  readonly traceparent?: string | undefined;
  /** Instead of the body's own; higher goes first. */
  readonly priority?: number;
  readonly signal: AbortSignal;
  readonly log: FastifyBaseLogger;
}

/** An answer that is under way once its events are read. */
export interface BegunChat {
  readonly head: CompletionHead;
  readonly request: ChatCompletionRequest;
  readonly events: AsyncGenerator<ChatEvent, void, undefined>;
}

const completionHead = (prefix: string, service: ChatService): CompletionHead => ({
  id: `${prefix}-${randomUUID()}`,
  created: Math.floor(Date.now() / 1000),
  model: service.model,
  system_fingerprint: systemFingerprint(service),
});

/**
 * Logs what an answer took, turns an abort into its reason, that the client left or the deadline passed, and has errors name what
 * is wrong as the client does.
 */
async function* supervise(
  events: AsyncIterable<ChatEvent>,
  { signal, log, names }: { readonly signal: AbortSignal; readonly log: FastifyBaseLogger; readonly names: WireNames },
): AsyncGenerator<ChatEvent, void, undefined> {
  try {
    for await (const event of events) {
      if (event.kind === 'finished') {
        const { reason, usage, timings } = event;
        log.info({ reason, usage, timings }, 'answered');
      }
      yield event;
    }
  } catch (error) {
    throw nameForClient(EideticError.from(signal.aborted ? signal.reason : error), names);
  }
}

/**
 * Reads the body of `POST /v1/chat/completions`, wherever it comes from, and begins to answer it.
 *
 * @throws EideticError what is wrong with the body; `model_not_found`.
 */
export const beginChat = async (
  body: unknown,
  { service, maxImages }: ChatAnswerer,
  { tenant, deadlineMs, traceparent, priority, signal, log }: ChatCircumstances,
): Promise<BegunChat> => {
  const request = parseChatCompletionRequest(body, maxImages);
  refuseOtherModels(request.model, service.model);
  // Callers may repeat their x-request-id; the id of the answer is unique.
  const head = completionHead('chatcmpl', service);
  const asked = {
    ...request.chat,
    requestId: head.id,
    deadlineMs,
    ...(priority !== undefined && { priority }),
    ...(tenant !== undefined && { tenant }),
    ...(traceparent !== undefined && { traceparent }),
  };
  const life = { signal, log: log.child({ completionId: head.id }), names: request.names };
  const events = supervise(service.chat(asked, signal), life);
  return { head, request, events };
};

/** The whole answer of a chat that does not stream. */
export const wholeAnswer = ({ head, request, events }: BegunChat) => {
  const { choices = 1, logprobs } = request.chat;
  return chatCompletion(head, events, { choices, logprobs: logprobs !== undefined });
};
