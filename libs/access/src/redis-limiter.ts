import { randomUUID } from 'node:crypto';
import type { AccessObserver } from '@eidetic/core';
import { LiveRedis, type LiveRedisOptions } from '@eidetic/live-redis';
import type { Limiter, LimiterAnswer, Limits } from './limiter.ts';
import { MemoryLimiter } from './memory-limiter.ts';
import { allowanceOf } from './rate.ts';

/** Where limits are kept together. */
export interface RedisLimiterOptions extends Pick<LiveRedisOptions, 'url' | 'onConnection'> {
  /** Of all names, with a hash tag, e.g. `{eidetic}`. */
  readonly prefix: string;
  /** Time after which the places of a process that died are free. */
  readonly leaseMs: number;
  readonly observer: Pick<AccessObserver, 'limiterFailed'>;
}

/** Longest time that a request waits for Redis before its process decides alone. */
const TIMEOUT_MS = 500;

/** The time of the server: that of gateways may differ. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * As `MemoryLimiter.take`. KEYS: the time at which the bucket is full; places by the time at which they are free. ARGV: requests a minute,
 * requests at a time, name of the place, lease. Numbers go back as text, for Redis would cut off their decimals.
 */
const TAKE = `${NOW}
local limit, places = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local function answer(what, wait) return {what, tostring(now), string.format('%.3f', full), string.format('%.3f', wait)} end
if places > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  if redis.call('ZCARD', KEYS[2]) >= places then return answer('concurrency', 0) end
end
if limit > 0 then
  local after = full + 60000 / limit
  if after - now - 60000 > 1 then return answer('rate', after - now - 60000) end
  full = after
  redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil(full - now))
end
if places > 0 then
  redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return answer('allowed', 0)`;

/** Extends leases, of places that lapsed too: their requests are under way. KEYS: places. ARGV: lease, names of places. */
const RENEW = `${NOW}
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])`;

/**
 * Limits that processes keep together. A place among the requests of a key is a lease that its process renews: when the process dies,
 * it runs out. What Redis does not answer, each process decides by what it has let in itself meanwhile: a key may then ask as
 * often at each of them, but nobody is turned away because a Redis is down.
 */
export class RedisLimiter implements Limiter, Disposable {
  readonly #options: RedisLimiterOptions;
  readonly #redis: LiveRedis;
  readonly #alone = new MemoryLimiter(() => performance.now());
  /** Places that this process holds, by key. */
  readonly #held = new Map<string, Set<string>>();
  readonly #renewal: NodeJS.Timeout;

  /** Begins to connect; until it has, this process decides alone. */
  constructor(options: RedisLimiterOptions) {
    const { url, onConnection, leaseMs } = options;
    this.#options = options;
    this.#redis = new LiveRedis({ url, timeoutMs: TIMEOUT_MS, ...(onConnection && { onConnection }) });
    // Two renewals may be lost before a lease runs out.
    this.#renewal = setInterval(() => this.#renew(), leaseMs / 3).unref();
  }

  async take(id: string, limits: Limits): Promise<LimiterAnswer> {
    const { requestsPerMinute, concurrentRequests } = limits;
    const place = randomUUID();
    const keys = [`${this.#options.prefix}:access:rate:${id}`, this.#placesOf(id)];
    const values = [requestsPerMinute, concurrentRequests, place, this.#options.leaseMs];
    const reply = await this.#redis.call((redis) => redis.eval(TAKE, keys.length, ...keys, ...values));
    const answer = reply.ok ? readReply(reply.value) : undefined;
    if (answer === undefined) {
      const failure = reply.ok || reply.failure === 'full' ? 'refused' : reply.failure;
      this.#options.observer.limiterFailed({ reason: failure });
      return this.#alone.take(id, limits);
    }
    const { what, nowMs, fullAtMs, waitMs } = answer;
    const requests = requestsPerMinute > 0 ? allowanceOf(fullAtMs, requestsPerMinute, nowMs) : undefined;
    if (what !== 'allowed') {
      return { allowed: false, reason: what, requests, retryAfterMs: what === 'rate' ? waitMs : undefined };
    }
    if (concurrentRequests > 0) this.#hold(id, place);
    return { allowed: true, requests, release: () => this.#release(id, place) };
  }

  /** Disconnects. Places that are held run out. */
  [Symbol.dispose](): void {
    clearInterval(this.#renewal);
    this.#redis[Symbol.dispose]();
  }

  #placesOf(id: string): string {
    return `${this.#options.prefix}:access:places:${id}`;
  }

  #hold(id: string, place: string): void {
    const places = this.#held.get(id) ?? new Set();
    this.#held.set(id, places.add(place));
  }

  #release(id: string, place: string): void {
    const places = this.#held.get(id);
    if (places?.delete(place) !== true) return;
    if (places.size === 0) this.#held.delete(id);
    // If it fails, the lease runs out.
    void this.#redis.call((redis) => redis.zrem(this.#placesOf(id), place));
  }

  #renew(): void {
    for (const [id, places] of this.#held) {
      const values = [this.#options.leaseMs, ...places];
      // If it fails, the next one may do.
      void this.#redis.call((redis) => redis.eval(RENEW, 1, this.#placesOf(id), ...values));
    }
  }
}

const REPLIES = ['allowed', 'rate', 'concurrency'] as const;

/** Undefined for what our script does not say. */
const readReply = (reply: unknown) => {
  if (!Array.isArray(reply)) return undefined;
  const what = REPLIES.find((word) => word === reply[0]);
  const [nowMs = Number.NaN, fullAtMs = Number.NaN, waitMs = Number.NaN] = reply.slice(1).map(Number);
  return what === undefined || Number.isNaN(waitMs) ? undefined : { what, nowMs, fullAtMs, waitMs };
};
