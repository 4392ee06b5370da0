import type { CacheReadOutcome, CacheWriteOutcome } from '@eidetic/core';
import { LiveRedis, type LiveRedisOptions } from '@eidetic/live-redis';

/** Where the server is, and what it may cost. */
export interface RedisStoreOptions extends LiveRedisOptions {
  /** No write begins while this many bytes of values are on their way. */
  readonly maxWriteBytes: number;
}

/** A value that was found, or why there is none. */
export type StoreReading =
  | { readonly outcome: 'found'; readonly value: Buffer }
  | { readonly outcome: Extract<CacheReadOutcome, 'miss' | 'timeout' | 'unavailable' | 'refused'> };

/** Bytes by name in a Redis that may be slow, full, evicting or gone. No call rejects, and none takes longer than `timeoutMs`. */
export class RedisStore implements AsyncDisposable {
  readonly #maxWriteBytes: number;
  readonly #redis: LiveRedis;
  readonly #writes = new Set<Promise<unknown>>();
  #writeBytes = 0;

  private constructor(redis: LiveRedis, maxWriteBytes: number) {
    this.#redis = redis;
    this.#maxWriteBytes = maxWriteBytes;
  }

  /** Resolves once the server answers, or after `timeoutMs` without: it goes on trying, and a Redis that is down delays no start. */
  static async connect({ maxWriteBytes, ...options }: RedisStoreOptions): Promise<RedisStore> {
    return new RedisStore(await LiveRedis.connect(options), maxWriteBytes);
  }

  /** Reads a value and lets it live another `ttlSeconds`. */
  async read(name: string, ttlSeconds: number): Promise<StoreReading> {
    // One command rather than GET and EXPIRE: the value cannot vanish in between, and it takes no longer.
    const answer = await this.#redis.call((redis) => redis.getexBuffer(name, 'EX', ttlSeconds));
    // Reading takes no memory: a server that is full would not say so.
    if (!answer.ok) return { outcome: answer.failure === 'full' ? 'refused' : answer.failure };
    return answer.value === null ? { outcome: 'miss' } : { outcome: 'found', value: answer.value };
  }

  /** Writes a value that lives `ttlSeconds`. `encode` is called only if the write can begin. */
  async write(name: string, encode: () => Uint8Array, ttlSeconds: number): Promise<CacheWriteOutcome> {
    if (!this.#redis.live) return 'unavailable';
    if (this.#writeBytes >= this.#maxWriteBytes) return 'dropped';
    const { buffer, byteOffset, byteLength } = encode();
    const value = Buffer.from(buffer, byteOffset, byteLength);
    const written = this.#redis.call((redis) => redis.set(name, value, 'EX', ttlSeconds));
    this.#writes.add(written);
    this.#writeBytes += byteLength;
    const answer = await written;
    this.#writes.delete(written);
    this.#writeBytes -= byteLength;
    return answer.ok ? 'stored' : answer.failure;
  }

  /** Lets the writes that are on their way end, then disconnects. Calls from then on are `unavailable`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#writes);
    this.#redis[Symbol.dispose]();
  }
}
