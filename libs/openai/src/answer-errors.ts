import { maxHeaderSize } from 'node:http';
import { EideticError, type ErrorCode } from '@eidetic/core';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import { errorBody, toEideticError } from './error-response.ts';
import { refusalHeaders } from './rate-limit-headers.ts';

/** The message of a refusal, and the path of what is wrong, may repeat what the client sent: they are not logged. */
export const logFailure = (request: FastifyRequest, error: EideticError): void => {
  if (error.kind.type === 'server_error' && error.code !== 'cancelled') request.log.error({ err: error }, 'failed');
  else request.log.info({ code: error.code }, 'refused');
};

const sendError = (reason: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const error = toEideticError(reason, request);
  logFailure(request, error);
  reply.headers(refusalHeaders(error));
  // Fastify would close the connection while the client still sends, which then sees a broken pipe instead of this answer. Left
  // open, Node reads the rest of the body and drops it.
  if (error.code === 'body_too_large') reply.removeHeader('connection');
  return reply.code(error.kind.http).send(errorBody(error));
};

/** Gives all errors of `app`, unknown routes included, OpenAI's body and the status of their code in `ERROR_KINDS`. */
export const answerErrors = (app: FastifyInstance): void => {
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler((request) => {
    throw new EideticError('not_found', `${request.method} ${request.url}: no such route; the API is under /v1.`);
  });
};

/** What Node says of a connection that did not bring a request. */
const REASONS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request did not arrive in time; send it again.'],
  HPE_HEADER_OVERFLOW: ['header_too_large', `The address and headers have more than ${maxHeaderSize} bytes.`],
};

/**
 * Options of a Fastify server with which the errors before any route, of addresses that cannot be read and of what is no HTTP,
 * are answered like those of {@link answerErrors}.
 */
export const earlyErrors: Pick<FastifyServerOptions, 'clientErrorHandler' | 'frameworkErrors'> = {
  frameworkErrors(reason, request, reply) {
    sendError(reason, request, reply);
  },
  clientErrorHandler(reason, socket) {
    if (reason.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [code, message] = REASONS[reason.code] ?? ['invalid_request', `This is no HTTP request: ${reason.message}.`];
    const error = new EideticError(code, message);
    const body = JSON.stringify(errorBody(error));
    socket.end(
      `HTTP/1.1 ${error.kind.http} \r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  },
};
