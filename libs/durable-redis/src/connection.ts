import { EideticError } from '@eidetic/core';
import { Redis } from 'ioredis';

// A server that accepts and never answers is noticed by this alone: each successful connect resets ioredis's count of retries.
const COMMAND_TIMEOUT_MS = 2_000;
const LONGEST_RECONNECT_DELAY_MS = 1_000;
// Closing a connection that is just then being re-established may never end (bullmq#4585).
const CLOSE_MS = 1_000;

/** Told of failures that nobody waits for. It must not throw. */
export interface FailureObserver {
  failed(error: Error): void;
}

const retryStrategy = (attempt: number): number => Math.min(50 * attempt, LONGEST_RECONNECT_DELAY_MS);

/** Options of the connections that BullMQ makes for itself, on which it blocks: their commands have no time limit. */
export const blockingConnection = (url: string) => ({ url, maxRetriesPerRequest: null, retryStrategy });

/**
 * Connects for commands that must not hang: while the server is away they fail at once.
 *
 * @param name of the server in errors, as the beginning of a sentence.
 * @throws EideticError `unavailable` if the server cannot be reached, `invalid_config` if it may evict keys.
 */
export async function connectForCommands(url: string, observer: FailureObserver, name: string): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy,
  });
  redis.on('error', (error) => observer.failed(error));
  try {
    await redis.connect();
    await checkEviction(redis, name);
    return redis;
  } catch (cause) {
    redis.disconnect();
    if (cause instanceof EideticError) throw cause;
    throw new EideticError('unavailable', `${name} cannot be reached.`, { cause });
  }
}

/** Closes what may be closing for ever, and goes on after a while. */
export async function closeInTime(close: () => Promise<unknown>, observer: FailureObserver): Promise<void> {
  const { promise: tooLate, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, CLOSE_MS);
  try {
    await Promise.race([close(), tooLate]);
  } catch (reason) {
    // Nothing depends on a connection that does not even close.
    observer.failed(EideticError.from(reason));
  } finally {
    clearTimeout(timer);
  }
}

async function checkEviction(redis: Redis, name: string): Promise<void> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1];
  if (policy === 'noeviction') return;
  throw new EideticError(
    'invalid_config',
    `${name} has maxmemory-policy ${policy ?? 'unknown'}, under which what it keeps may vanish. Set it to noeviction, and keep the embedding cache on a Redis of its own.`,
  );
}
