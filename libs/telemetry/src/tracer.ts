/** What a span says of itself, by names such as `eidetic.images`. Nothing that users send. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Where a span stands. */
export interface SpanOptions {
  /** What part of a call it is; `internal` if absent. */
  readonly kind?: 'server' | 'client' | 'producer' | 'consumer';
  /** Trace context (W3C) that it goes on with; absent: it begins a trace. */
  readonly parent?: string | undefined;
  /** Other trace contexts that it works for. */
  readonly links?: readonly string[];
  readonly attributes?: SpanAttributes;
  /** Milliseconds since 1970; absent: now. */
  readonly startMs?: number;
}

/** Something that takes its time; it is reported once it has ended. */
export interface Span {
  /** Trace context for what is done for it, here or elsewhere. */
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  /** Something happened now. */
  event(name: string): void;
  /** It did not succeed. */
  fail(reason: unknown): void;
  /** @param endMs milliseconds since 1970; absent: now */
  end(endMs?: number): void;
}

/** Makes spans. Where it is undefined, nothing is traced, and trace contexts of others are handed on as they are. */
export interface Tracer extends AsyncDisposable {
  start(name: string, options?: SpanOptions): Span;
}

/** Does work within a span, which fails if the work does. */
export const inSpan = async <T>(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> => {
  const span = tracer.start(name, options);
  try {
    return await work(span);
  } catch (reason) {
    span.fail(reason);
    throw reason;
  } finally {
    span.end();
  }
};
