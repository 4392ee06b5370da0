import { EideticError, traceIdOf } from '@eidetic/core';
import type { EndedCall } from '@eidetic/rpc';
import type { createLogger } from '@eidetic/telemetry';

/** Methods that are called all the time: a line in the log would only be noise. */
const QUIET = /^\/grpc\.|\/(?:GetLoad|WatchLoad|GetModel)$/;

/** Writes a line for each call that has ended; at level `error`, with its cause, for those that the server failed on. */
export const logCall =
  (logger: ReturnType<typeof createLogger>) =>
  ({ method, code, durationMs, error, traceparent }: EndedCall): void => {
    const traceId = traceIdOf(traceparent);
    const line = { method, code, ms: Math.round(durationMs), ...(traceId && { traceId }) };
    if (error instanceof EideticError && error.kind.http === 500) logger.error({ ...line, err: error }, 'call');
    else logger[QUIET.test(method) ? 'debug' : 'info'](line, 'call');
  };
