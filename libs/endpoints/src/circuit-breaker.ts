/** When a breaker opens, and for how long. */
export interface BreakerPolicy {
  /** Failures in a row that open it; at least 1. */
  readonly failures: number;
  /** How long it is open the first time, in milliseconds; twice as long each time that the probe fails. */
  readonly firstOpenMs: number;
  /** Longest time that it is open, in milliseconds. */
  readonly maxOpenMs: number;
}

/**
 * A circuit breaker (Nygard, "Release It!", 2007). Closed, it counts failures in a row. Open, it lets no call through until `untilMs`
 * (milliseconds since 1970); then one, the probe, and is half open until that one ends.
 */
export type Breaker =
  | { readonly state: 'closed'; readonly failures: number }
  | { readonly state: 'open'; readonly untilMs: number; readonly openings: number }
  | { readonly state: 'half_open'; readonly openings: number };

/** Share of the time that it is open which is left to chance, so that many clients do not probe at the same moment. */
const JITTER = 0.5;

/** A breaker that has seen nothing. */
export const CLOSED: Breaker = { state: 'closed', failures: 0 };

/** Whether a call may begin. */
export const admits = (breaker: Breaker, nowMs: number): boolean =>
  breaker.state === 'closed' || (breaker.state === 'open' && nowMs >= breaker.untilMs);

/** The breaker once a call has begun that it admits. */
export const afterBegin = (breaker: Breaker): Breaker =>
  breaker.state === 'open' ? { state: 'half_open', openings: breaker.openings } : breaker;

/** The breaker once a call went well. What began before it opened says nothing new. */
export const afterSuccess = (breaker: Breaker): Breaker => (breaker.state === 'open' ? breaker : CLOSED);

const opened = (openings: number, nowMs: number, random: number, policy: BreakerPolicy): Breaker => {
  const longestMs = Math.min(policy.firstOpenMs * 2 ** openings, policy.maxOpenMs);
  return { state: 'open', untilMs: nowMs + longestMs * (1 - JITTER * random), openings: openings + 1 };
};

/**
 * The breaker once a call failed.
 *
 * @param random in [0, 1)
 */
export const afterFailure = (breaker: Breaker, nowMs: number, random: number, policy: BreakerPolicy): Breaker => {
  switch (breaker.state) {
    case 'open':
      return breaker;
    case 'half_open':
      return opened(breaker.openings, nowMs, random, policy);
    case 'closed': {
      const failures = breaker.failures + 1;
      return failures < policy.failures ? { state: 'closed', failures } : opened(0, nowMs, random, policy);
    }
  }
};

/** The breaker once a call ended that says nothing about the pod, such as one whose caller left: the next one is the probe. */
export const afterNothing = (breaker: Breaker, nowMs: number): Breaker =>
  breaker.state === 'half_open' ? { state: 'open', untilMs: nowMs, openings: breaker.openings } : breaker;
