/**
 * The error taxonomy. Every failure that leaves a component is an {@link EideticError} with one of these codes; HTTP and
 * gRPC statuses are read from the table below and nowhere else.
 */

/** What one code means on each wire. */
export interface ErrorKind {
  /** HTTP status. */
  readonly http: number;
  /** gRPC status code (google.rpc.Code). */
  readonly grpc: number;
  /** `error.type` of the OpenAI error body. */
  readonly type: 'invalid_request_error' | 'authentication_error' | 'rate_limit_error' | 'server_error';
  /** Whether the same request may succeed later or elsewhere. */
  readonly retryable: boolean;
}

const invalid = (http = 400): ErrorKind => ({ http, grpc: 3, type: 'invalid_request_error', retryable: false });

/** Every code, with its statuses. */
export const ERROR_KINDS = {
  /** Malformed JSON, wrong types, unsupported parameters or values. */
  invalid_request: invalid(),
  /** The request body is larger than the server accepts. */
  body_too_large: invalid(413),
  /** The address and headers are larger than the server accepts. */
  header_too_large: invalid(431),
  /** The request did not arrive in full before its time was up. */
  request_timeout: { http: 408, grpc: 4, type: 'invalid_request_error', retryable: true },
  /** The bytes are not an image that can be decoded. */
  invalid_image: invalid(),
  /** More bytes or pixels than the server accepts for one image. */
  image_too_large: invalid(413),
  /** An image reference (scheme, id) that the server does not serve. */
  unsupported_image_source: invalid(),
  /** The bytes of an image are not in the image store (any more). Send them again. */
  image_missing: { http: 400, grpc: 9, type: 'invalid_request_error', retryable: false },
  /** The picture behind a URL could not be had: no answer, another status than 200, nothing that is a picture. */
  image_unreachable: invalid(),
  /** More images than one request may hold. */
  too_many_images: invalid(),
  /** Prompt plus completion do not fit the context. */
  context_length_exceeded: invalid(),
  /** The model named in the request is not served here. */
  model_not_found: { http: 404, grpc: 5, type: 'invalid_request_error', retryable: false },
  /** No such route or resource. */
  not_found: { http: 404, grpc: 5, type: 'invalid_request_error', retryable: false },
  /** The route exists, but not for this HTTP method. */
  method_not_allowed: { http: 405, grpc: 12, type: 'invalid_request_error', retryable: false },
  /** No API key where one is needed, or one that is not known (any more). */
  invalid_api_key: { http: 401, grpc: 16, type: 'authentication_error', retryable: false },
  /** The API key is good, but not for this. */
  permission_denied: { http: 403, grpc: 7, type: 'invalid_request_error', retryable: false },
  /** The caller keeps as much here as they may; something has to be deleted first. */
  quota_exceeded: { http: 403, grpc: 8, type: 'invalid_request_error', retryable: false },
  /** The API key's own limit is used up; `details.retryAfterMs` says for how long, where that is known. */
  rate_limited: { http: 429, grpc: 8, type: 'rate_limit_error', retryable: true },
  /** A queue or a limit is full. */
  overloaded: { http: 429, grpc: 8, type: 'rate_limit_error', retryable: true },
  /** The request's deadline passed. */
  deadline_exceeded: { http: 504, grpc: 4, type: 'server_error', retryable: false },
  /** The caller went away. */
  cancelled: { http: 499, grpc: 1, type: 'server_error', retryable: false },
  /** Embeddings that a prompt refers to are not at hand; `details.keys` lists them, separated by spaces. Encode again. */
  embedding_missing: { http: 503, grpc: 9, type: 'server_error', retryable: true },
  /** An embedding has another shape than the prompt says, or numbers that are not finite. Encode again. */
  invalid_embedding: { http: 503, grpc: 15, type: 'server_error', retryable: true },
  /** Not ready yet, draining, or a dependency is down. */
  unavailable: { http: 503, grpc: 14, type: 'server_error', retryable: true },
  /** A checkpoint that is missing, truncated, corrupt, mismatched or hostile. */
  invalid_checkpoint: { http: 500, grpc: 9, type: 'server_error', retryable: false },
  /** A model bundle that is missing, incomplete or does not match its manifest. */
  invalid_bundle: { http: 500, grpc: 9, type: 'server_error', retryable: false },
  /** A setting that is missing or wrong. */
  invalid_config: { http: 500, grpc: 9, type: 'server_error', retryable: false },
  /** onnxruntime refused a call or a run. */
  inference_failed: { http: 500, grpc: 13, type: 'server_error', retryable: false },
  /** Anything unforeseen. The message is for logs; clients get a generic text. */
  internal: { http: 500, grpc: 13, type: 'server_error', retryable: false },
} as const satisfies Record<string, ErrorKind>;

/** A code of the taxonomy. */
export type ErrorCode = keyof typeof ERROR_KINDS;

/** Plain values that are safe to send to a client beside the message. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** A failure with a code. `message` says what is wrong and what to do; `details` may be sent; `cause` never is. */
export class EideticError extends Error {
  override readonly name = 'EideticError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** The code's statuses. */
  get kind(): ErrorKind {
    return ERROR_KINDS[this.code];
  }

  /** Turns anything thrown into an EideticError; aborts become `cancelled`, time-outs `deadline_exceeded`. */
  static from(reason: unknown): EideticError {
    if (reason instanceof EideticError) return reason;
    if (reason instanceof Error) {
      if (reason.name === 'AbortError')
        return new EideticError('cancelled', 'The request was cancelled.', { cause: reason });
      if (reason.name === 'TimeoutError') {
        return new EideticError('deadline_exceeded', 'The deadline passed.', { cause: reason });
      }
      return new EideticError('internal', reason.message, { cause: reason });
    }
    return new EideticError('internal', String(reason), { cause: reason });
  }
}
