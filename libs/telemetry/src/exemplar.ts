import { toTraceparent, traceIdOf } from '@eidetic/core';

/** Flag of a trace context whose trace is recorded (W3C Trace Context, `sampled`). */
const SAMPLED = 1;

/**
 * What links an observation to the trace in which it was made, as prom-client takes it: the label `trace_id`, or nothing where
 * that trace is not recorded anywhere.
 */
export const exemplarOf = (traceparent: string | undefined): Record<string, string> => {
  const traceId = traceIdOf(traceparent);
  const flags = toTraceparent(traceparent)?.split('-')[3];
  if (traceId === undefined || flags === undefined || (Number.parseInt(flags, 16) & SAMPLED) === 0) return {};
  return { trace_id: traceId };
};
