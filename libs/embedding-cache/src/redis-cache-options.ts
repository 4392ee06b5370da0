import type { CacheObserver } from '@eidetic/core';
import type { RedisStore } from './redis-store.ts';

/** What a cache in Redis is made of. */
export interface RedisCacheOptions {
  /** Shared by as many caches as like; whoever connected it closes it. */
  readonly store: RedisStore;
  /** How long an entry lives after it was last written or read. */
  readonly ttlSeconds: number;
  readonly observer: CacheObserver;
  /** A clock in milliseconds. */
  readonly now: () => number;
}
