import { setTimeout as delay } from 'node:timers/promises';

/** Time, so that tests can make it pass. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. Sleeping keeps no process alive. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    delay(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => {
      // Woken by the signal, which whoever sleeps looks at.
    }),
};
