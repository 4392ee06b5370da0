/** Version, trace id, parent id, flags; ids of zeros are none. Higher versions may say more behind. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.{0,64})?$/;

/** A text as trace context, if it is one (W3C Trace Context, `traceparent`); others are to be ignored. */
export const toTraceparent = (text: unknown): string | undefined =>
  typeof text === 'string' && TRACEPARENT.test(text) ? text : undefined;

/** The id (hex) of the trace that a trace context is part of. */
export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1];
