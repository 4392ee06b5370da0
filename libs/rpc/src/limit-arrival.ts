import { EideticError } from '@eidetic/core';
import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { statusOf } from './error-status.ts';

/**
 * Ends calls whose one request does not arrive in time: until it has, no handler knows of them, and nothing else would end them.
 * Streams of requests are for their handlers to end.
 */
export const limitArrival =
  (limitMs: number): ServerInterceptor =>
  ({ requestStream }, call) => {
    let timer: NodeJS.Timeout | undefined;
    return new ServerInterceptingCall(call, {
      start(next) {
        const late = new EideticError(
          'request_timeout',
          `The request did not arrive within ${limitMs} ms; send it again.`,
        );
        if (!requestStream) timer = setTimeout(() => call.sendStatus(statusOf(late)), limitMs);
        next({
          onReceiveHalfClose(pass) {
            clearTimeout(timer);
            pass();
          },
          onCancel: () => clearTimeout(timer),
        });
      },
    });
  };
