import type { EncodeProducer } from '@eidetic/core';
import { inSpan, type Tracer } from './tracer.ts';

/**
 * The same queue, with a span for each picture from request to answer, and within it one for its wait, as long as whoever encoded
 * it says.
 *
 * @param now milliseconds since 1970
 */
export const traceEncodeProducer = (
  queue: Pick<EncodeProducer, 'encode'>,
  tracer: Tracer | undefined,
  now: () => number,
): Pick<EncodeProducer, 'encode'> => {
  if (tracer === undefined) return queue;
  return {
    encode: (job, signal) => {
      const options = { kind: 'producer', parent: job.traceparent, attributes: { 'eidetic.cost': job.cost } } as const;
      return inSpan(tracer, 'encode picture', options, async (span) => {
        const startMs = now();
        const outcome = await queue.encode({ ...job, traceparent: span.traceparent }, signal);
        if (!outcome.ok) span.fail(outcome.error);
        else if (outcome.timings !== undefined) {
          tracer.start('queue wait', { parent: span.traceparent, startMs }).end(startMs + outcome.timings.queueMs);
        }
        return outcome;
      });
    },
  };
};
