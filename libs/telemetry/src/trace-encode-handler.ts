import type { EncodeHandler } from '@eidetic/core';
import { inSpan, type Tracer } from './tracer.ts';

/**
 * The same handler, with a span for each batch. It is part of the trace of its first picture, and linked with those of all; what is
 * done for the batch goes on with it.
 */
export const traceEncodeHandler = (handler: EncodeHandler, tracer: Tracer | undefined): EncodeHandler => {
  if (tracer === undefined) return handler;
  return (jobs, signal) => {
    const links = jobs.flatMap(({ traceparent }) => traceparent ?? []);
    const options = {
      kind: 'consumer',
      parent: links[0],
      links,
      attributes: { 'eidetic.images': jobs.length },
    } as const;
    return inSpan(tracer, 'encode batch', options, async (span) => {
      const results = await handler(
        jobs.map((job) => ({ ...job, traceparent: span.traceparent })),
        signal,
      );
      const failed = results.find((result) => !result.ok);
      if (failed?.ok === false) span.fail(failed.error);
      return results;
    });
  };
};
