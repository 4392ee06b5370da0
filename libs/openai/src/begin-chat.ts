import { randomUUID } from 'node:crypto';
import {
  type ChatEvent,
  type ChatInput,
  type ChatOptions,
  type ChatService,
  nameForClient,
  type WireNames,
} from '@eidetic/chat';
import { EideticError } from '@eidetic/core';
import type { FileService } from '@eidetic/files';
import type { FastifyBaseLogger } from 'fastify';
import { type CompletionHead, chatCompletion } from './chat-completion.ts';
import { type ChatCompletionRequest, parseChatCompletionRequest } from './chat-completion-request.ts';
import { findFiles } from './file-sources.ts';
import { refuseOtherModels } from './routes/models.ts';
import { systemFingerprint } from './system-fingerprint.ts';

/** What a body is answered with. */
export interface ChatAnswerer {
  readonly service: ChatService;
  readonly maxImages: number;
  /** The files that bodies may name as pictures. */
  readonly files: () => FileService;
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

/** Callers may repeat their x-request-id; the id of an answer is unique. */
export const completionHead = (prefix: string, service: ChatService): CompletionHead => ({
  id: `${prefix}-${randomUUID()}`,
  created: Math.floor(Date.now() / 1000),
  model: service.model,
  system_fingerprint: systemFingerprint(service),
});

/** What the chat service is asked, with the names that its client has for that. */
export type NamedRequest = ChatInput & Omit<ChatOptions, 'requestId'> & { readonly names: WireNames };

/**
 * The service's answer. Logs what it took, turns an abort into its reason, that the client left or the deadline passed, and has
 * errors name what is wrong as the client does.
 */
export async function* askFor(
  requestId: string,
  { names, ...asked }: NamedRequest,
  service: ChatService,
  { tenant, deadlineMs, traceparent, priority, signal, log }: ChatCircumstances,
): AsyncGenerator<ChatEvent, void, undefined> {
  const request = {
    ...asked,
    requestId,
    deadlineMs,
    ...(priority !== undefined && { priority }),
    ...(tenant !== undefined && { tenant }),
    ...(traceparent !== undefined && { traceparent }),
  };
  try {
    for await (const event of service.chat(request, signal)) {
      if (event.kind === 'finished') {
        const { reason, usage, timings } = event;
        log.info({ completionId: requestId, reason, usage, timings }, 'answered');
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
  { service, maxImages, files }: ChatAnswerer,
  circumstances: ChatCircumstances,
): Promise<BegunChat> => {
  const { tenant = '' } = circumstances;
  const request = parseChatCompletionRequest(body, maxImages, await findFiles(body, maxImages, files, tenant));
  refuseOtherModels(request.model, service.model);
  const head = completionHead('chatcmpl', service);
  const events = askFor(head.id, { ...request.chat, names: request.names }, service, circumstances);
  return { head, request, events };
};

/** The whole answer of a chat that does not stream. */
export const wholeAnswer = ({ head, request, events }: BegunChat) => {
  const { choices = 1, logprobs } = request.chat;
  return chatCompletion(head, events, { choices, logprobs: logprobs !== undefined });
};
