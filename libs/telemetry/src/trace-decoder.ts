import type { Decoder, GenerateEvent, GenerateRequest } from '@eidetic/core';
import type { Span, SpanOptions, Tracer } from './tracer.ts';

/** Where a traced decoder is. */
export type DecoderSide =
  /** Behind a call that is made here. */
  | 'caller'
  /** In this process: the time until the prompt is computed, the wait for a slot included, and the rest get spans of their own. */
  | 'engine';

/** The spans of one answer. */
class AnswerSpans {
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #side: DecoderSide;
  readonly #now: () => number;
  #partMs: number;
  #part: 'prefill' | 'decode' = 'prefill';
  #tokens = 0;

  constructor(tracer: Tracer, side: DecoderSide, now: () => number, options: SpanOptions) {
    this.#tracer = tracer;
    this.#side = side;
    this.#now = now;
    this.#partMs = now();
    this.#span = tracer.start('generate', { ...options, kind: side === 'engine' ? 'server' : 'client' });
  }

  get traceparent(): string {
    return this.#span.traceparent;
  }

  take(event: GenerateEvent): void {
    if (event.kind === 'token') {
      this.#tokens += 1;
      if (this.#tokens === 1) this.#span.event('first token');
    } else if (event.kind === 'prefilled') {
      const { promptTokens, cachedTokens } = event;
      this.#span.set({ 'eidetic.prompt_tokens': promptTokens, 'eidetic.cached_tokens': cachedTokens });
      this.#endPart();
      this.#part = 'decode';
      this.#partMs = this.#now();
    } else {
      this.#span.event('finished');
      this.#span.set({ 'eidetic.finish_reason': event.reason });
    }
  }

  fail(reason: unknown): void {
    this.#span.fail(reason);
  }

  end(): void {
    this.#endPart();
    this.#span.set({ 'eidetic.completion_tokens': this.#tokens });
    this.#span.end();
  }

  #endPart(): void {
    if (this.#side !== 'engine') return;
    this.#tracer.start(this.#part, { parent: this.traceparent, startMs: this.#partMs }).end();
  }
}

async function* traced(
  events: AsyncIterable<GenerateEvent>,
  spans: AnswerSpans,
): AsyncGenerator<GenerateEvent, void, undefined> {
  try {
    for await (const event of events) {
      spans.take(event);
      yield event;
    }
  } catch (reason) {
    spans.fail(reason);
    throw reason;
  } finally {
    spans.end();
  }
}

/**
 * The same decoder, with spans for each answer.
 *
 * @param now milliseconds since 1970
 */
export const traceDecoder = (
  decoder: Decoder,
  tracer: Tracer | undefined,
  side: DecoderSide,
  now: () => number,
): Decoder => {
  if (tracer === undefined) return decoder;
  return {
    get maxContext() {
      return decoder.maxContext;
    },
    generate(request: GenerateRequest, signal?: AbortSignal) {
      const spans = new AnswerSpans(tracer, side, now, { parent: request.traceparent });
      return traced(decoder.generate({ ...request, traceparent: spans.traceparent }, signal), spans);
    },
  };
};
