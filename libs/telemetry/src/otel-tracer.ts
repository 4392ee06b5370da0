import { hostname } from 'node:os';
import { EideticError } from '@eidetic/core';
import {
  type Context,
  type Span as OtelSpan,
  type Tracer as OtelTracing,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { type OnDelivery, tellLosses } from './tell-losses.ts';
import type { Span, SpanAttributes, SpanOptions, Tracer } from './tracer.ts';

/** Who reports, and where to. */
export interface OtelTracerOptions {
  readonly service: string;
  readonly version: string;
  /** Base URL of an OTLP receiver over HTTP, such as `http://collector:4318`. */
  readonly endpoint: string;
  readonly onDelivery: OnDelivery;
}

/** Spans are reported so long after the first of them has ended, or when there are 512. */
const REPORT_INTERVAL_MS = 1000;

/** Longest time that the last spans of a process get to be taken. */
const FLUSH_LIMIT_MS = 2000;

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

const toSpanContext = (traceparent: string): SpanContext | undefined => {
  const [, traceId, spanId, flags] = traceparent.split('-');
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
};

const contextOf = (parent: string | undefined): Context => {
  const context = parent === undefined ? undefined : toSpanContext(parent);
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
};

class ReportedSpan implements Span {
  readonly traceparent: string;
  readonly #span: OtelSpan;

  constructor(span: OtelSpan) {
    this.#span = span;
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes);
  }

  event(name: string): void {
    this.#span.addEvent(name);
  }

  fail(reason: unknown): void {
    // Codes only: messages may repeat what users sent.
    const { code } = EideticError.from(reason);
    this.#span.setAttributes({ 'error.type': code });
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: code });
  }

  end(endMs?: number): void {
    this.#span.end(endMs);
  }
}

/**
 * Reports spans over OTLP/HTTP, in the background, in batches; what cannot be delivered is dropped after a while, and nobody waits
 * for it. Where a caller decided that its trace is not to be recorded, none of its spans is reported.
 */
export class OtelTracer implements Tracer {
  readonly #provider: TracerProvider;
  readonly #tracer: OtelTracing;

  constructor({ service, version, endpoint, onDelivery }: OtelTracerOptions) {
    const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
    const exporter = tellLosses(new OTLPTraceExporter({ url }), onDelivery);
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.namespace': 'eidetic',
        'service.name': service,
        'service.version': version,
        'host.name': hostname(),
      }),
      spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: REPORT_INTERVAL_MS })],
    });
    this.#tracer = this.#provider.getTracer('eidetic', version);
  }

  start(name: string, { kind, parent, links = [], attributes, startMs }: SpanOptions = {}): Span {
    const linked = links.flatMap((link) => toSpanContext(link) ?? []).map((context) => ({ context }));
    const options = {
      kind: kind === undefined ? SpanKind.INTERNAL : KINDS[kind],
      links: linked,
      ...(attributes && { attributes }),
      ...(startMs !== undefined && { startTime: startMs }),
    };
    return new ReportedSpan(this.#tracer.startSpan(name, options, contextOf(parent)));
  }

  /** Reports what has ended; a receiver that is not there is not waited for longer than two seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { promise: tooLate, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FLUSH_LIMIT_MS);
    // Spans that nobody took are lost; the process ends all the same.
    await Promise.race([this.#provider.shutdown().catch(() => undefined), tooLate]);
    clearTimeout(timer);
  }
}
