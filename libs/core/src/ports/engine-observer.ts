import type { ErrorCode } from '../errors.ts';

/** How far a request had come. */
export type RequestStage = 'waiting' | 'prefill' | 'decode';

/**
 * Told of an engine's work as it happens, for metrics. Called between two steps: it must be quick and must not throw. All
 * times are milliseconds; `traceparent` is the trace context of the request.
 */
export interface EngineObserver {
  /** A request got a slot after waiting so long. */
  admitted(request: { readonly queuedMs: number; readonly traceparent: string | undefined }): void;
  /** A part of a prompt was computed in one run of the graph. */
  prefillStep(step: { readonly tokens: number; readonly durationMs: number }): void;
  /** Every running answer got one token; `rows` of them. */
  decodeStep(step: { readonly rows: number; readonly durationMs: number }): void;
  /** A prompt is complete, and with it what the first token is chosen from: `computed` positions by runs of the graph, `cached` by reuse. */
  firstToken(request: {
    readonly computed: number;
    readonly cached: number;
    readonly sinceArrivalMs: number;
    readonly sinceAdmittedMs: number;
    readonly traceparent: string | undefined;
  }): void;
  /** A token after the first. */
  token(request: { readonly sinceLastMs: number }): void;
  /** Answer positions were computed again while nothing else was to do, so that the next turn finds them. */
  consolidated(step: { readonly tokens: number; readonly durationMs: number }): void;
  /** A request ended: why, where it had come to, and how many tokens it had generated. */
  ended(request: {
    readonly outcome: 'stop' | 'length' | ErrorCode;
    readonly stage: RequestStage;
    readonly completionTokens: number;
  }): void;
}
