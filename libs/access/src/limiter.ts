import type { Allowance } from '@eidetic/core';

/** Limits of a key; 0 is none. */
export interface Limits {
  readonly requestsPerMinute: number;
  readonly concurrentRequests: number;
}

/** Whether a request goes on. */
export type LimiterAnswer =
  | {
      readonly allowed: true;
      /** Undefined if the key has no such limit. */
      readonly requests: Allowance | undefined;
      /** Ends the request: its place is free. */
      release(): void;
    }
  | {
      readonly allowed: false;
      readonly reason: 'rate' | 'concurrency';
      readonly requests: Allowance | undefined;
      /** Undefined where nobody can know. */
      readonly retryAfterMs: number | undefined;
    };

/** Counts the requests of keys. */
export interface Limiter {
  /** Counts a request of a key, if both its limits allow it; one that is refused is not counted. Never rejects. */
  take(id: string, limits: Limits): Promise<LimiterAnswer>;
}
