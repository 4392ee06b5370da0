import type { Limiter, LimiterAnswer, Limits } from './limiter.ts';
import { allowanceOf, takeFromBucket } from './rate.ts';

interface Usage {
  fullAtMs: number;
  running: number;
}

/** Limits within one process. It remembers no more than one small record for each key that was used. */
export class MemoryLimiter implements Limiter {
  readonly #now: () => number;
  readonly #usages = new Map<string, Usage>();

  /** @param now a clock in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  async take(id: string, { requestsPerMinute, concurrentRequests }: Limits): Promise<LimiterAnswer> {
    const nowMs = this.#now();
    const usage = this.#usages.get(id) ?? { fullAtMs: nowMs, running: 0 };
    this.#usages.set(id, usage);
    if (concurrentRequests > 0 && usage.running >= concurrentRequests) {
      const requests = requestsPerMinute > 0 ? allowanceOf(usage.fullAtMs, requestsPerMinute, nowMs) : undefined;
      return { allowed: false, reason: 'concurrency', requests, retryAfterMs: undefined };
    }
    const taken = requestsPerMinute > 0 ? takeFromBucket(usage.fullAtMs, requestsPerMinute, nowMs) : undefined;
    const requests = taken?.allowance;
    if (taken !== undefined && taken.waitMs > 0) {
      return { allowed: false, reason: 'rate', requests, retryAfterMs: taken.waitMs };
    }
    usage.fullAtMs = taken?.fullAtMs ?? usage.fullAtMs;
    usage.running += 1;
    let held = 1;
    return {
      allowed: true,
      requests,
      release() {
        usage.running -= held;
        held = 0;
      },
    };
  }
}
