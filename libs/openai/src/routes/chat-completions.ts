import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ChatEvent } from '@eidetic/chat';
import { EideticError, toTraceparent } from '@eidetic/core';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { tenantOf } from '../admit.ts';
import { logFailure } from '../answer-errors.ts';
import type { OpenaiApiOptions, OpenaiApiParts } from '../api-parts.ts';
import { chatCompletion, chatCompletionChunks } from '../chat-completion.ts';
import { parseChatCompletionRequest } from '../chat-completion-request.ts';
import { type ErrorBody, errorBody } from '../error-response.ts';
import { eventStream } from '../event-stream.ts';
import { lifeOf } from '../request-life.ts';
import { refuseOtherMethods } from './methods.ts';
import { refuseOtherModels } from './models.ts';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // nginx buffers what it proxies, unless told otherwise.
  'x-accel-buffering': 'no',
};

/** Logs what an answer took, and turns an abort into its reason: the client left, or the deadline passed. */
async function* supervise(
  events: AsyncIterable<ChatEvent>,
  signal: AbortSignal,
  log: FastifyBaseLogger,
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
    throw EideticError.from(signal.aborted ? signal.reason : error);
  }
}

/** The same events; resolves when the first is there, rejects when the answer fails before it. */
const started = async <T>(events: AsyncGenerator<T, void, undefined>): Promise<AsyncIterable<T>> => {
  const first = await events.next();
  return (async function* () {
    if (first.done !== true) yield first.value;
    yield* events;
  })();
};

const answerChat =
  ({ chat: service }: OpenaiApiParts, options: OpenaiApiOptions) =>
  async (request: FastifyRequest, reply: FastifyReply) => {
    const { model, stream, includeUsage, chat } = parseChatCompletionRequest(request.body, options.maxImagesPerRequest);
    refuseOtherModels(model, service.model);
    // Callers may repeat their x-request-id; the id of the answer is unique.
    const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
    const log = request.log.child({ completionId: head.id });
    const signal = lifeOf(reply, options.requestDeadlineMs);
    const tenant = tenantOf(request);
    const deadlineMs = Date.now() + options.requestDeadlineMs;
    const traceparent = toTraceparent(request.headers.traceparent);
    const asked = {
      ...chat,
      requestId: head.id,
      deadlineMs,
      ...(tenant !== undefined && { tenant }),
      ...(traceparent !== undefined && { traceparent }),
    };
    const events = supervise(service.chat(asked, signal), signal, log);
    const { choices = 1, logprobs } = chat;
    if (!stream) return chatCompletion(head, events, { choices, logprobs: logprobs !== undefined });

    const chunks = chatCompletionChunks(head, await started(events), { choices, includeUsage });
    const failure = (reason: unknown): ErrorBody => {
      const error = EideticError.from(reason);
      logFailure(request, error);
      return errorBody(error);
    };
    const body = Readable.from(eventStream(chunks, { heartbeatMs: options.heartbeatMs, failure }), {
      highWaterMark: 1,
    });
    return reply.headers(STREAM_HEADERS).send(body);
  };

/** `/chat/completions`, streamed or whole. */
export const addChatCompletionRoute = (
  app: FastifyInstance,
  parts: OpenaiApiParts,
  options: OpenaiApiOptions,
  route: RouteShorthandOptions,
): void => {
  app.post('/chat/completions', route, answerChat(parts, options));
  refuseOtherMethods(app, '/chat/completions', ['POST']);
};
