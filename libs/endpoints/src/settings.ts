import type { BreakerPolicy } from './circuit-breaker.ts';

/** How closely pods are watched. */
export interface EndpointSettings {
  /** Time between two look-ups of the addresses, in milliseconds. */
  readonly resolveIntervalMs: number;
  /** Time between two questions to a pod whether it answers, in milliseconds. */
  readonly probeIntervalMs: number;
  /**
   * Longest time that the answer may take, in milliseconds. A pod that hangs is noticed within the sum of both; one whose event loop
   * stands still for so long is taken for one that hangs.
   */
  readonly probeTimeoutMs: number;
  readonly breaker: BreakerPolicy;
}

/** Settings for pods of one cluster. */
export const DEFAULT_ENDPOINT_SETTINGS: EndpointSettings = {
  resolveIntervalMs: 5000,
  probeIntervalMs: 1000,
  probeTimeoutMs: 2000,
  breaker: { failures: 3, firstOpenMs: 1000, maxOpenMs: 30_000 },
};
