import type { CacheWriteOutcome } from '@eidetic/core';
import { Redis, ReplyError } from 'ioredis';

const MIN_RECONNECT_MS = 100;
// Bounds how long a Redis that is back goes unused.
const MAX_RECONNECT_MS = 5_000;

/** Where the server is, and what it may cost. */
export interface RedisStoreOptions {
  /** `redis://` or `rediss://` (TLS), with user, password and database where needed. */
  readonly url: string;
  /** Most time of one command. A value that takes longer is not waited for. */
  readonly timeoutMs: number;
  /** No write begins while this many bytes of values are on their way. */
  readonly maxWriteBytes: number;
  /** Told when the server answers and when it does not any more, with the reason; only of changes. */
  readonly onConnection?: (connected: boolean, reason?: Error) => void;
}

/** A value that was found, or why there is none. */
export type StoreReading =
  | { readonly outcome: 'found'; readonly value: Buffer }
  | { readonly outcome: 'miss' | Failure };

type Failure = 'timeout' | 'unavailable' | 'refused';

/**
 * Bytes by name in a Redis that may be slow, full, evicting or gone. No call rejects, and none takes longer than `timeoutMs`.
 *
 * A command that goes unanswered ends the connection. Until a new one has answered a ping, calls end at once as
 * `unavailable`: a dead server costs the calls that were on their way one wait, and later ones nothing.
 */
export class RedisStore implements AsyncDisposable {
  readonly #options: RedisStoreOptions;
  readonly #redis: Redis;
  readonly #writes = new Set<Promise<unknown>>();
  #writeBytes = 0;
  #live = false;
  /** What `onConnection` was told last. */
  #told: boolean | undefined;
  #reason: Error | undefined;
  /** Connections since the last one that served: the more, the longer the wait for the next. */
  #attempts = 0;

  private constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#redis = new Redis(options.url, {
      commandTimeout: options.timeoutMs,
      connectTimeout: options.timeoutMs,
      // Without an offline queue commands fail at once while there is no connection; without retries they fail with it.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      // ioredis counts from 0 again as soon as a connection is accepted, even if it answers nothing.
      retryStrategy: () => Math.min(MAX_RECONNECT_MS, MIN_RECONNECT_MS * 2 ** this.#attempts++),
      // A connection that is given up is destroyed, with the megabytes that wait in it, rather than closed politely.
      disconnectTimeout: 0,
      // ioredis would wait without end for a server that accepts and says nothing; our ping has a time-out.
      enableReadyCheck: false,
      // GET and SET are the same in both protocols: no handshake, and servers that know no HELLO will do.
      protocol: 2,
      disableClientInfo: true,
    });
    // Without a listener ioredis prints every failed attempt.
    this.#redis.on('error', (error: Error) => this.#lost(error));
    this.#redis.on('close', () => this.#lost(this.#reason));
    this.#redis.on('ready', () => this.#ping());
  }

  /** Resolves once the server answers, or after `timeoutMs` without: it goes on trying, and a Redis that is down delays no start. */
  static connect(options: RedisStoreOptions): Promise<RedisStore> {
    return new Promise((resolve) => {
      const onConnection = (connected: boolean, reason?: Error): void => {
        options.onConnection?.(connected, reason);
        if (connected) done();
      };
      const store = new RedisStore({ ...options, onConnection });
      const timer = setTimeout(() => resolve(store), options.timeoutMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve(store);
      };
    });
  }

  /** Reads a value and lets it live another `ttlSeconds`. */
  async read(name: string, ttlSeconds: number): Promise<StoreReading> {
    if (!this.#live) return { outcome: 'unavailable' };
    try {
      // One command rather than GET and EXPIRE: the value cannot vanish in between, and it takes no longer.
      const value = await this.#redis.getexBuffer(name, 'EX', ttlSeconds);
      this.#attempts = 0;
      return value === null ? { outcome: 'miss' } : { outcome: 'found', value };
    } catch (error) {
      return { outcome: this.#failed(error) };
    }
  }

  /** Writes a value that lives `ttlSeconds`. `encode` is called only if the write can begin. */
  async write(name: string, encode: () => Uint8Array, ttlSeconds: number): Promise<CacheWriteOutcome> {
    if (!this.#live) return 'unavailable';
    if (this.#writeBytes >= this.#options.maxWriteBytes) return 'dropped';
    const { buffer, byteOffset, byteLength } = encode();
    const written = this.#redis.set(name, Buffer.from(buffer, byteOffset, byteLength), 'EX', ttlSeconds);
    this.#writes.add(written);
    this.#writeBytes += byteLength;
    try {
      await written;
      this.#attempts = 0;
      return 'stored';
    } catch (error) {
      return isReply(error) && error.message.startsWith('OOM ') ? 'full' : this.#failed(error);
    } finally {
      this.#writes.delete(written);
      this.#writeBytes -= byteLength;
    }
  }

  /** Lets the writes that are on their way end, then disconnects. Calls from then on are `unavailable`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#writes);
    this.#live = false;
    // Its end is no loss.
    this.#told = false;
    this.#redis.disconnect();
  }

  #failed(error: unknown): Failure {
    if (isReply(error)) return 'refused';
    // ioredis has no class for it.
    const timedOut = error instanceof Error && error.message === 'Command timed out';
    if (!timedOut) return 'unavailable';
    // The replies that are still to come would only delay the next one, and a half-open connection never ends by itself.
    if (this.#live) this.#giveUp(new Error(`No answer within ${this.#options.timeoutMs} ms.`));
    return 'timeout';
  }

  #ping(): void {
    this.#redis.ping().then(
      () => {
        this.#live = true;
        this.#reason = undefined;
        this.#tell(true);
      },
      // Also a server that answers with an error is of no use: it loads its data, or wants a password.
      (error: Error) => this.#giveUp(error),
    );
  }

  #giveUp(reason: Error): void {
    this.#lost(reason);
    if (this.#redis.status === 'ready') this.#redis.disconnect(true);
  }

  #lost(reason: Error | undefined): void {
    this.#live = false;
    this.#reason = reason;
    this.#tell(false);
  }

  #tell(connected: boolean): void {
    if (this.#told === connected) return;
    this.#told = connected;
    this.#options.onConnection?.(connected, this.#reason);
  }
}

/** Whether the server itself said so: then it is alive. */
const isReply = (error: unknown): error is Error => error instanceof ReplyError;
