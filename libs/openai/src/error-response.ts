import { EideticError } from '@eidetic/core';

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

/** Anything thrown while a request is served, Fastify's own errors included. */
export const toEideticError = (reason: unknown): EideticError => {
  if (!(reason instanceof Error) || reason instanceof EideticError) return EideticError.from(reason);
  const { code, statusCode } = reason as Error & { readonly code?: unknown; readonly statusCode?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new EideticError(
      'body_too_large',
      'The request body is larger than this server accepts; send smaller pictures.',
      {
        cause: reason,
      },
    );
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
