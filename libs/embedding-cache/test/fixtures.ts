import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { CacheObserver, CacheReadOutcome, CacheWriteOutcome, EmbeddingCache, ImageEmbedding } from '@eidetic/core';
import { RedisServer, type RedisServerOptions } from '@eidetic/launcher';
import { Redis } from 'ioredis';
import { createRedisEmbeddingCache, RedisStore } from '../src/index.ts';

/** How long entries live in the caches of a fixture. */
export const TTL_SECONDS = 600;

/** Numbers that only float32 holds, different for every seed. */
export const embeddingOf = (seed: number, tokens = 2, hidden = 3): ImageEmbedding => ({
  data: Float32Array.from({ length: tokens * hidden }, (_, i) => (seed + 1) / (i + 3)),
  tokens,
  hidden,
  imageWidth: 640 + seed,
  imageHeight: 480,
});

/** Notes how look-ups and writes ended. */
export class Outcomes implements CacheObserver {
  readonly reads: CacheReadOutcome[] = [];
  readonly writes: CacheWriteOutcome[] = [];

  read({ outcome }: { readonly outcome: CacheReadOutcome }): void {
    this.reads.push(outcome);
  }

  write({ outcome }: { readonly outcome: CacheWriteOutcome }): void {
    this.writes.push(outcome);
  }
}

/** A store, and what it told of its connection. */
export class ObservedStore implements AsyncDisposable {
  readonly store: RedisStore;
  /** Connected or not, in order; with the reason where there is one. */
  readonly told: readonly (readonly [connected: boolean, reason?: string])[];
  readonly #until: (connected: boolean) => Promise<void>;

  private constructor(store: RedisStore, told: ObservedStore['told'], until: (connected: boolean) => Promise<void>) {
    this.store = store;
    this.told = told;
    this.#until = until;
  }

  static async connect(url: string, { timeoutMs = 1_000, maxWriteBytes = 2 ** 26 } = {}): Promise<ObservedStore> {
    const told: (readonly [boolean, string?])[] = [];
    const waiting = new Set<() => void>();
    const onConnection = (connected: boolean, reason?: Error): void => {
      told.push(reason === undefined ? [connected] : [connected, reason.message]);
      for (const look of waiting) look();
    };
    const until = (connected: boolean): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (told.at(-1)?.[0] !== connected) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    const store = await RedisStore.connect({ url, timeoutMs, maxWriteBytes, onConnection });
    return new ObservedStore(store, told, until);
  }

  /** Resolves as soon as the last thing told is this. */
  until(connected: boolean): Promise<void> {
    return this.#until(connected);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.store[Symbol.asyncDispose]();
  }
}

/** A clock for durations that no test looks at. */
export const now = (): number => performance.now();

/** An embedding cache in a Redis, with all that it told. */
export interface OpenCache {
  readonly cache: EmbeddingCache;
  readonly outcomes: Outcomes;
  readonly connection: ObservedStore;
}

/** Redis servers and caches of one test; disposed of together. */
export class Fixture implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();

  async server(options: RedisServerOptions = {}): Promise<RedisServer> {
    return this.#resources.use(await RedisServer.start(options));
  }

  async cache(url: string, options: Parameters<typeof ObservedStore.connect>[1] = {}): Promise<OpenCache> {
    const connection = this.#resources.use(await ObservedStore.connect(url, options));
    const outcomes = new Outcomes();
    const cache = createRedisEmbeddingCache({
      store: connection.store,
      ttlSeconds: TTL_SECONDS,
      observer: outcomes,
      now,
    });
    return { cache, outcomes, connection };
  }

  /** A client that does what it is told, for looking and for damage. */
  client(url: string): Redis {
    const redis = new Redis(url);
    this.#resources.defer(() => redis.disconnect());
    return redis;
  }

  /** Something that listens like a Redis: its address, once `serve` gets its connections. */
  async listener(serve: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      // The other side going away is what these tests are about.
      socket.on('error', () => undefined);
      serve(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    this.#resources.defer(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The listener has no port.');
    return `redis://127.0.0.1:${address.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
