import type { EideticError, ErrorCode } from '../errors.ts';
import type { EncodeTimings } from './vision-encoder.ts';

/** A picture that is to be encoded: a reference to it, never its pixels. All jobs with one key are one job, wherever they come from. */
export interface EncodeJob {
  /** Embedding key (`embeddingKey` makes it): where the embedding will be in the cache. */
  readonly key: string;
  /** sha256 (hex) of the picture's bytes. */
  readonly imageId: string;
  /** Whose uploads the bytes are found among. Of several scopes that wait for one key, one is named. */
  readonly scope: string;
  /** Higher goes first; an integer from -1000 to 1000. A job that several wait for has the highest of theirs. */
  readonly priority: number;
  /** Milliseconds since 1970. A job that several wait for has the latest of theirs. */
  readonly deadlineMs: number;
  /** What encoding takes, in the unit of {@link EncodeLimits.maxCost} (patches): a positive integer. */
  readonly cost: number;
  /** Trace context (W3C) of the request that brought the picture. */
  readonly traceparent?: string;
}

/** What became of a picture: its embedding is in the cache under the job's key, or an error says why not. */
export type EncodeOutcome =
  | {
      readonly ok: true;
      /** Rows of the embedding. */
      readonly tokens: number;
      /** Absent where the embedding was found in the cache before news of it came. */
      readonly timings?: EncodeTimings & { readonly queueMs: number };
    }
  | { readonly ok: false; readonly error: EideticError };

/** What a handler says of one job. An error whose code is retryable lets the job be tried again later, any other is final. */
export type EncodeJobResult =
  | { readonly ok: true; readonly tokens: number; readonly timings: EncodeTimings }
  | { readonly ok: false; readonly error: Error };

/**
 * Encodes pictures and writes their embeddings to the cache; results are in the order of `jobs`. A rejection says nothing of any
 * one picture: all of the batch are tried again. A job may come twice, when its consumer lost its lock on it.
 *
 * @param signal is aborted once nobody waits for any of the pictures any more: a handler that rejects then has its jobs dropped.
 */
export type EncodeHandler = (jobs: readonly EncodeJob[], signal: AbortSignal) => Promise<readonly EncodeJobResult[]>;

/** How much a consumer takes. */
export interface EncodeLimits {
  /** Most that the jobs of one batch may cost together. A job that costs more goes alone. */
  readonly maxCost: number;
  /** Most jobs in one batch. */
  readonly maxJobs: number;
  /** Batches that the handler may have at the same time. */
  readonly maxInFlight: number;
  /** How long a batch that is not full waits for company although the handler is free, in milliseconds; 0 is no time. */
  readonly lingerMs: number;
}

/** Jobs of all processes that have no outcome: what to scale by. */
export interface EncodeBacklog {
  /** Those that wait for a handler. */
  readonly jobs: number;
  readonly cost: number;
  /** Those that a handler has. */
  readonly handled: { readonly jobs: number; readonly cost: number };
  /** Time that the oldest that waits has waited, in milliseconds; 0 if none waits. */
  readonly oldestMs: number;
}

/** The side that needs embeddings. */
export interface EncodeProducer {
  /**
   * Waits until the job's embedding is in the cache. Outcomes that are not ok: what the handler said of the picture,
   * `deadline_exceeded`, `unavailable` (the queue is down or closed; or the encoder, also after being asked again),
   * `inference_failed` (consumers died of it).
   * When all who wait for a job have left before it is dispatched, it is dropped; afterwards, once that is so of its whole batch and
   * the handler can still leave it.
   *
   * @throws the signal's reason once it is aborted; EideticError `invalid_request` for a job that does not fit its type.
   */
  encode(job: EncodeJob, signal?: AbortSignal): Promise<EncodeOutcome>;
  /** @throws EideticError `unavailable` if the queue is down. */
  backlog(): Promise<EncodeBacklog>;
  /** Who still waits is answered with `unavailable`. */
  close(): Promise<void>;
}

/** The side that encodes: hands batches to its handler until it is closed. */
export interface EncodeConsumer {
  /** Hands nothing more to its handler, so that jobs wait in the queue, until `resume`. What the handler has goes on. */
  pause(): void;
  /** Goes on after `pause`. */
  resume(): void;
  /** Takes no more jobs, and waits for those that it has taken. */
  close(): Promise<void>;
}

/** Why a job was given up without an outcome. */
export type EncodeDropReason = 'expired' | 'abandoned' | 'malformed';

/** Told of the queue's work in this process as it happens, for metrics. It must be quick and must not throw. All times are milliseconds. */
export interface EncodeQueueObserver {
  /** A request came; `coalesced` if a job with its key was there already, in this process or another. */
  added(request: { readonly coalesced: boolean }): void;
  /** A request was answered. */
  answered(request: { readonly outcome: 'ok' | ErrorCode; readonly durationMs: number }): void;
  /** A batch went to the handler. */
  dispatched(batch: { readonly jobs: number; readonly cost: number; readonly queueMs: readonly number[] }): void;
  /**
   * Pictures of a batch were encoded, those left out whose embedding was there already: what they cost together, and their parts of the
   * encoder's runs, whoever else's pictures those took.
   */
  encoded(work: { readonly cost: number; readonly encodeMs: number }): void;
  /** The handler ended a job. */
  handled(job: { readonly outcome: 'ok' | ErrorCode }): void;
  /** A job will be tried again for this error. */
  retried(job: { readonly code: ErrorCode }): void;
  /** A consumer lost its lock on a job, which another will get. */
  stalled(): void;
  /** A job was given up before it was handled, or its batch while it was. */
  dropped(job: { readonly reason: EncodeDropReason }): void;
  /** The queue's server could not be reached or refused; what can be tried again is. */
  failed(error: Error): void;
}
