/** What a handler knows of the call besides its request. */
export interface CallContext {
  /**
   * Aborts when the caller leaves (`cancelled`), its deadline or its longest duration passes (`deadline_exceeded`), or the server stops before the call
   * has ended (`unavailable`).
   */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970 at which the call ends, for its caller's sake or because it took too long; absent: never. */
  readonly deadlineMs?: number;
  /** Size of the request; 0 for a stream. */
  readonly requestBytes: number;
  /** Trace context (W3C) that the caller sent along. */
  readonly traceparent?: string;
  /** The first value of a key of the call's metadata, if it is a text. */
  readonly metadata: (key: string) => string | undefined;
  /** Aborts when the server begins to drain: streams without an end must end then. */
  readonly draining: AbortSignal;
}
