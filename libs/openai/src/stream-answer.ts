import { Readable } from 'node:stream';
import { EideticError } from '@eidetic/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { logFailure } from './answer-errors.ts';
import { type ErrorBody, errorBody } from './error-response.ts';
import { eventStream } from './event-stream.ts';
import { whenClosed } from './when-closed.ts';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // nginx buffers what it proxies, unless told otherwise.
  'x-accel-buffering': 'no',
};

/** The same chunks; resolves when the first is there, rejects when the answer fails before it. */
const started = async <T>(chunks: AsyncGenerator<T, void, undefined>): Promise<AsyncIterable<T>> => {
  const first = await chunks.next();
  return (async function* () {
    if (first.done !== true) yield first.value;
    yield* chunks;
  })();
};

/**
 * Sends chunks as they come. What fails after the first of them is told in the stream.
 *
 * @throws what fails before.
 */
export const streamAnswer = async (
  request: FastifyRequest,
  reply: FastifyReply,
  chunks: AsyncGenerator<object, void, undefined>,
  heartbeatMs: number,
): Promise<FastifyReply> => {
  const failure = (reason: unknown): ErrorBody => {
    const error = EideticError.from(reason);
    logFailure(request, error);
    return errorBody(error);
  };
  const body = Readable.from(eventStream(await started(chunks), { heartbeatMs, failure }), { highWaterMark: 1 });
  // Of a client that left before the first chunk nobody reads the stream, which then does not end its source.
  whenClosed(reply, () => void chunks.return().catch(() => undefined));
  return reply.headers(STREAM_HEADERS).send(body);
};
