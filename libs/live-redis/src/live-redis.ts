import { Redis, ReplyError } from 'ioredis';

const MIN_RECONNECT_MS = 100;
// Bounds how long a Redis that is back goes unused.
const MAX_RECONNECT_MS = 5_000;

/** Where the server is, and how long it may take. */
export interface LiveRedisOptions {
  /** `redis://` or `rediss://` (TLS), with user, password and database where needed. */
  readonly url: string;
  /** Most time of one command. What takes longer is not waited for. */
  readonly timeoutMs: number;
  /** Told when the server answers and when it does not any more, with the reason; only of changes. */
  readonly onConnection?: (connected: boolean, reason?: Error) => void;
}

/** Why a call came to nothing; `full`: the server has no memory left and may not evict. */
export type CallFailure = 'timeout' | 'unavailable' | 'refused' | 'full';

/**
 * A connection to a Redis that may be slow, full or gone. No call rejects, and none takes longer than `timeoutMs`.
 *
 * A command that goes unanswered ends the connection. Until a new one has answered a ping, calls end at once as
 * `unavailable`: a dead server costs the calls that were on their way one wait, and later ones nothing.
 */
export class LiveRedis implements Disposable {
  readonly #options: LiveRedisOptions;
  readonly #redis: Redis;
  #live = false;
  /** What `onConnection` was told last. */
  #told: boolean | undefined;
  #reason: Error | undefined;
  /** Connections since the last one that served: the more, the longer the wait for the next. */
  #attempts = 0;

  /** Begins to connect. */
  constructor(options: LiveRedisOptions) {
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
      // Commands are the same in both protocols: no handshake, and servers that know no HELLO will do.
      protocol: 2,
      disableClientInfo: true,
    });
    // Without a listener ioredis prints every failed attempt.
    this.#redis.on('error', (error: Error) => this.#lost(error));
    this.#redis.on('close', () => this.#lost(this.#reason));
    this.#redis.on('ready', () => this.#ping());
  }

  /** Resolves once the server answers, or after `timeoutMs` without: it goes on trying, and a Redis that is down delays no start. */
  static connect(options: LiveRedisOptions): Promise<LiveRedis> {
    return new Promise((resolve) => {
      const onConnection = (connected: boolean, reason?: Error): void => {
        options.onConnection?.(connected, reason);
        if (connected) done();
      };
      const redis = new LiveRedis({ ...options, onConnection });
      const timer = setTimeout(() => resolve(redis), options.timeoutMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve(redis);
      };
    });
  }

  /** Whether commands are sent at all. */
  get live(): boolean {
    return this.#live;
  }

  /** Runs a command; `command` is not called while there is no connection. */
  async call<T>(
    command: (redis: Redis) => Promise<T>,
  ): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: CallFailure }> {
    if (!this.#live) return { ok: false, failure: 'unavailable' };
    try {
      const value = await command(this.#redis);
      this.#attempts = 0;
      return { ok: true, value };
    } catch (error) {
      return { ok: false, failure: this.#failed(error) };
    }
  }

  /** Disconnects. Calls from then on are `unavailable`. */
  [Symbol.dispose](): void {
    this.#live = false;
    // Its end is no loss.
    this.#told = false;
    this.#redis.disconnect();
  }

  #failed(error: unknown): CallFailure {
    if (isReply(error)) return error.message.startsWith('OOM ') ? 'full' : 'refused';
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
