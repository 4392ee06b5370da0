/**
 * Why a request was refused: it brought no key, one that nobody knows, or one that is expired or disabled; or its key has had all
 * its requests for now (rate), or as many under way as it may (concurrency).
 */
export type RefusalReason = 'no_key' | 'unknown_key' | 'expired_key' | 'disabled_key' | 'rate' | 'concurrency';

/** Why a process kept limits by itself: Redis did not answer in time, was away, or answered with an error. */
export type LimiterFailure = 'timeout' | 'unavailable' | 'refused';

/** Told what access control does, for metrics. It must be quick and must not throw. */
export interface AccessObserver {
  refused(refusal: { readonly reason: RefusalReason }): void;
  /** The file of keys was read; so many are in it now. */
  loaded(file: { readonly keys: number }): void;
  /** A new file of keys was of no use: those before it stay. */
  reloadFailed(): void;
  /** A request was let in or not by the limits of this process alone. */
  limiterFailed(failure: { readonly reason: LimiterFailure }): void;
}
