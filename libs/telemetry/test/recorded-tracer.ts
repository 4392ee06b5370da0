import type { Span, SpanAttributes, SpanOptions, Tracer } from '../src/tracer.ts';

/** A span as it was told. */
export interface RecordedSpan extends Pick<SpanOptions, 'kind' | 'parent' | 'links' | 'startMs'> {
  readonly name: string;
  readonly traceparent: string;
  attributes: SpanAttributes;
  readonly events: string[];
  failure?: unknown;
  endMs?: number | 'now';
}

/** A tracer that remembers. Its trace contexts are numbers. */
export class RecordedTracer implements Tracer {
  readonly spans: RecordedSpan[] = [];

  start(name: string, options: SpanOptions = {}): Span {
    const { attributes = {}, ...place } = options;
    const span: RecordedSpan = { name, traceparent: `${this.spans.length + 1}`, attributes, events: [], ...place };
    this.spans.push(span);
    return {
      traceparent: span.traceparent,
      set(more) {
        span.attributes = { ...span.attributes, ...more };
      },
      event: (event) => span.events.push(event),
      fail(reason) {
        span.failure = reason;
      },
      end(endMs = undefined) {
        span.endMs = endMs ?? 'now';
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
