import { RedisBatchQueue, RedisBatchStore } from '@eidetic/batches';
import type { Stores } from '@eidetic/chat-server';
import { RedisFileStore } from '@eidetic/files';
import { atMostEvery } from './at-most-every.ts';
import type { GatewayConfig } from './config.ts';
import type { GatewayContext } from './gateway-context.ts';
import { untilThere } from './until-there.ts';

/** Time between two lines of the log that say that Redis is away. */
const TELL_AGAIN_MS = 10_000;

/** Files and batches in the Redis of the queue, which loses nothing: gateways share them. */
export const openStores = async (
  { queueRedisUrl: url, queuePrefix: prefix, batchLockMs: lockMs }: GatewayConfig,
  { onTrouble, signal }: GatewayContext,
): Promise<Stores & AsyncDisposable> => {
  const failed = atMostEvery(
    TELL_AGAIN_MS,
    () => performance.now(),
    (error: Error) => onTrouble('The Redis of files and batches cannot be reached.', error),
  );
  const options = { url, prefix, observer: { failed } };
  await using held = new AsyncDisposableStack();
  const files = held.use(await untilThere(() => RedisFileStore.open(options), signal));
  const batches = held.use(await untilThere(() => RedisBatchStore.open(options), signal));
  const batchQueue = held.use(await untilThere(() => RedisBatchQueue.open({ ...options, lockMs }), signal));
  const kept = held.move();
  return { files, batches, batchQueue, [Symbol.asyncDispose]: () => kept.disposeAsync() };
};
