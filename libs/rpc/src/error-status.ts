import { EideticError, ERROR_KINDS, type ErrorCode, type ErrorDetails } from '@eidetic/core';
import { BadRequest, ErrorInfo, RetryInfo, Status as RpcStatus } from '@eidetic/proto';
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { detailFromText, detailToText } from './detail-text.ts';
import { type MessageType, serialize } from './service.ts';

/** Whose codes the reasons in google.rpc.ErrorInfo are. */
const DOMAIN = 'eidetic';

/** Trailer that holds a serialised google.rpc.Status. */
const DETAILS_TRAILER = 'grpc-status-details-bin';

/** Clients are asked to wait so long before they try again, as Retry-After does over HTTP; `details.retryAfterMs` says better. */
const RETRY_DELAY_MS = 1000;

/** Longest message and detail that are sent: trailers are headers, and no peer takes them without limit. Keys of 126 pictures fit. */
const MAX_MESSAGE_LENGTH = 1024;
const MAX_DETAIL_LENGTH = 16_384;

const pack = <T>(name: string, type: MessageType<T>, message: T) => ({
  typeUrl: `type.googleapis.com/google.rpc.${name}`,
  value: serialize(type, message),
});

const detailsOf = ({ code, kind, details }: EideticError, message: string) => {
  const texts = Object.entries(details).map(([name, detail]) => [name, detailToText(detail)] as const);
  const metadata = new Map(texts.filter(([, text]) => text.length <= MAX_DETAIL_LENGTH));
  const packed = [pack('ErrorInfo', ErrorInfo, { reason: code, domain: DOMAIN, metadata })];
  if (kind.retryable) {
    const delayMs = typeof details.retryAfterMs === 'number' ? details.retryAfterMs : RETRY_DELAY_MS;
    const retryDelay = { seconds: BigInt(Math.floor(delayMs / 1000)), nanos: Math.floor(delayMs % 1000) * 1_000_000 };
    packed.push(pack('RetryInfo', RetryInfo, { retryDelay }));
  }
  if (typeof details.param === 'string') {
    const fieldViolations = [{ field: details.param, description: message }];
    packed.push(pack('BadRequest', BadRequest, { fieldViolations }));
  }
  return packed;
};

/** An error as a message: what a client is told, which is not the text of an unforeseen one; that is for the log. Long texts are cut. */
export const toStatusMessage = (error: EideticError): RpcStatus => {
  const told = error.code === 'internal' ? 'The server failed on this call; its log says why.' : error.message;
  const message = told.length > MAX_MESSAGE_LENGTH ? `${told.slice(0, MAX_MESSAGE_LENGTH)}…` : told;
  return { code: error.kind.grpc, message, details: detailsOf(error, message) };
};

/** What a client is told of an error, as the end of a call. */
export const statusOf = (error: EideticError): StatusObject => {
  const message = toStatusMessage(error);
  const metadata = new Metadata();
  metadata.set(DETAILS_TRAILER, serialize(RpcStatus, message));
  return { code: message.code, details: message.message, metadata };
};

/** What errors mean that do not say it themselves: those of gRPC, of proxies, of other servers. */
const CODES: Readonly<Partial<Record<number, ErrorCode>>> = {
  [status.CANCELLED]: 'unavailable',
  [status.INVALID_ARGUMENT]: 'invalid_request',
  [status.DEADLINE_EXCEEDED]: 'deadline_exceeded',
  [status.NOT_FOUND]: 'not_found',
  [status.RESOURCE_EXHAUSTED]: 'overloaded',
  [status.UNIMPLEMENTED]: 'method_not_allowed',
  [status.UNAVAILABLE]: 'unavailable',
};

/** How grpc-js says that a message is larger than one of the two sides allows. */
const TOO_LARGE = /larger than/;

const isCode = (reason: string): reason is ErrorCode => Object.hasOwn(ERROR_KINDS, reason);

/** Code and details of an error of ours; undefined for those of others. */
const ownCode = ({ details: packed }: RpcStatus): { code: ErrorCode; details: ErrorDetails } | undefined => {
  try {
    const own = packed.find(({ typeUrl }) => typeUrl.endsWith('/google.rpc.ErrorInfo'));
    const info = ErrorInfo.decode(own?.value ?? new Uint8Array());
    if (info.domain !== DOMAIN || !isCode(info.reason)) return undefined;
    const details = Object.fromEntries([...info.metadata].map(([name, text]) => [name, detailFromText(text)]));
    return { code: info.reason, details };
  } catch {
    // Bytes of another server: the status alone must do.
    return undefined;
  }
};

/** The error that {@link toStatusMessage} made a message of; one of another server gets the nearest code. Never throws. */
export const fromStatusMessage = (message: RpcStatus): EideticError => {
  const { code, details } = ownCode(message) ?? { code: CODES[message.code] ?? 'internal', details: {} };
  return new EideticError(code, message.message, { details });
};

const trailerOf = (metadata: Metadata): RpcStatus | undefined => {
  const [bytes] = metadata.get(DETAILS_TRAILER);
  if (!(bytes instanceof Buffer)) return undefined;
  try {
    return RpcStatus.decode(bytes);
  } catch {
    // As above.
    return undefined;
  }
};

const isServiceError = (reason: unknown): reason is ServiceError =>
  reason instanceof Error && 'code' in reason && 'metadata' in reason && reason.metadata instanceof Metadata;

/** The error that the server threw, its code and details included; what gRPC itself says gets the nearest code. */
export const errorOf = (reason: unknown): EideticError => {
  if (!isServiceError(reason)) return EideticError.from(reason);
  const trailer = trailerOf(reason.metadata);
  const own = trailer && ownCode(trailer);
  if (own) return new EideticError(own.code, reason.details, { cause: reason, details: own.details });
  const tooLarge = reason.code === status.RESOURCE_EXHAUSTED && TOO_LARGE.test(reason.details);
  const code = tooLarge ? 'body_too_large' : (CODES[reason.code] ?? 'internal');
  return new EideticError(code, `${status[reason.code]}: ${reason.details}`, { cause: reason });
};
