/** Told what happens to the pods of one service as this process sees them, for metrics. It must be quick and must not throw. */
export interface EndpointObserver {
  /** Addresses were looked for: `ok`, `failed`, or `empty`, which is treated as a failure. After a failure the last list stands. */
  resolved(lookup: { readonly outcome: 'ok' | 'failed' | 'empty' }): void;
  /** Pods that are known, and those of them that calls may go to; when either changes. */
  pods(count: { readonly known: number; readonly usable: number }): void;
  /** A pod took connections but did not answer in time; the calls that it was working on were given up. */
  hung(): void;
  /** The circuit breaker of a pod changed. */
  breaker(change: { readonly state: 'closed' | 'open' | 'half_open' }): void;
}
