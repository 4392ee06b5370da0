import { EideticError } from '@eidetic/core';
import type { FastifyRequest } from 'fastify';

/** OpenAI's error object. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** Path of the part of the request that is wrong. */
    readonly param: string | null;
    readonly code: string;
  };
}

/** What a client is told of an error: not the text of an unforeseen one, which is for the log. */
export const errorBody = ({ code, kind, message, details }: EideticError): ErrorBody => ({
  error: {
    message:
      code === 'internal' ? 'The server failed on this request; its log says why, under the request id.' : message,
    type: kind.type,
    param: typeof details.param === 'string' ? details.param : null,
    code,
  },
});

/** Anything thrown while `request` is served, Fastify's own errors included. */
export const toEideticError = (reason: unknown, request: Pick<FastifyRequest, 'routeOptions'>): EideticError => {
  if (!(reason instanceof Error) || reason instanceof EideticError) return EideticError.from(reason);
  const { code, statusCode } = reason as Error & { readonly code?: unknown; readonly statusCode?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const message = `The request has more than the ${request.routeOptions.bodyLimit} bytes that are accepted; send smaller pictures.`;
    return new EideticError('body_too_large', message, { cause: reason });
  }
  if (code === 'FST_ERR_BAD_URL') {
    return new EideticError('invalid_request', `The address cannot be read: ${reason.message}.`, { cause: reason });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new EideticError('invalid_request', 'The body must be JSON: send it with content-type: application/json.', {
      cause: reason,
    });
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new EideticError('invalid_request', `body: ${reason.message}.`, { cause: reason });
  }
  return EideticError.from(reason);
};
