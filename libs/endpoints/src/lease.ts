/** What a call says about the pod that it went to. */
export type CallOutcome =
  /** The pod did its work, whatever the answer. */
  | 'ok'
  /** The pod did not. */
  | 'failed'
  /** Neither: it was too busy, or the caller left. */
  | 'nothing';

/** The right to make one call to a pod; it counts as in flight until it ends. */
export interface Lease<T> {
  /** `host:port` of the pod. */
  readonly address: string;
  /** What the pod was connected with. */
  readonly session: T;
  /** Aborts with `unavailable` when the pod does not answer any more. */
  readonly lost: AbortSignal;
  /** Tells the circuit breaker how it goes: as soon as that is known, and again when it changes. */
  report(outcome: CallOutcome): void;
  /** Ends it; reports `nothing` if nothing was reported. */
  end(): void;
}
