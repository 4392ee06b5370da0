/** What the server says of a request that failed. */
export interface ApiErrorFields {
  /** HTTP status; undefined for an error that came within a stream, whose status was 200. */
  readonly status?: number | undefined;
  /** The server's name of the error, such as `context_length_exceeded`; docs/api.md lists them. */
  readonly code: string;
  /** Path of the part of the request that is wrong, such as `messages[0].content`. */
  readonly param?: string | undefined;
  /** Under which the server's log has this request. */
  readonly requestId?: string | undefined;
  /** How long the server asks to wait before the next try. */
  readonly retryAfterMs?: number | undefined;
}

/** The server refused a request, or failed on it. `message` says what is wrong and what to do. */
export class EideticApiError extends Error {
  override readonly name = 'EideticApiError';
  readonly status: number | undefined;
  readonly code: string;
  readonly param: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, fields: ApiErrorFields) {
    super(message);
    this.status = fields.status;
    this.code = fields.code;
    this.param = fields.param;
    this.requestId = fields.requestId;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

/**
 * Why there is no answer: nobody answered (`unreachable`), the connection ended before the answer did (`interrupted`), nothing
 * came for too long (`timeout`), or what came is not what Eidetic answers (`invalid_response`).
 */
export type ConnectionFailure = 'unreachable' | 'interrupted' | 'timeout' | 'invalid_response';

/** A request got no answer, or only the beginning of one. */
export class EideticConnectionError extends Error {
  override readonly name = 'EideticConnectionError';
  readonly reason: ConnectionFailure;

  constructor(reason: ConnectionFailure, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}
