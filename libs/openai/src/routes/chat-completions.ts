import { Readable } from 'node:stream';
import { EideticError, toTraceparent } from '@eidetic/core';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { tenantOf } from '../admit.ts';
import { logFailure } from '../answer-errors.ts';
import type { OpenaiApiOptions, OpenaiApiParts } from '../api-parts.ts';
import { beginChat, wholeAnswer } from '../begin-chat.ts';
import { chatCompletionChunks } from '../chat-completion.ts';
import { type ErrorBody, errorBody } from '../error-response.ts';
import { eventStream } from '../event-stream.ts';
import { lifeOf } from '../request-life.ts';
import { refuseOtherMethods } from './methods.ts';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // nginx buffers what it proxies, unless told otherwise.
  'x-accel-buffering': 'no',
};

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
    const signal = lifeOf(reply, options.requestDeadlineMs);
    const begun = await beginChat(
      request.body,
      { service, maxImages: options.maxImagesPerRequest },
      {
        tenant: tenantOf(request),
        deadlineMs: Date.now() + options.requestDeadlineMs,
        traceparent: toTraceparent(request.headers.traceparent),
        signal,
        log: request.log,
      },
    );
    const { stream, includeUsage, chat } = begun.request;
    if (!stream) return wholeAnswer(begun);

    const chunks = chatCompletionChunks(begun.head, await started(begun.events), {
      choices: chat.choices ?? 1,
      includeUsage,
    });
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
