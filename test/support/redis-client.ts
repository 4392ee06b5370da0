import type { RedisServer } from '@eidetic/launcher';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';

/** A connection to a server, for the rest of the test. */
export const redisOf = ({ url }: RedisServer): Redis => {
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  return redis;
};

/** How often values were written under names that match, from now on. */
export const countWrites = async (server: RedisServer, pattern: RegExp): Promise<ReadonlyMap<string, number>> => {
  const writes = new Map<string, number>();
  const monitor = await redisOf(server).monitor();
  onTestFinished(() => monitor.disconnect());
  monitor.on('monitor', (_: string, [command, name]: readonly string[]) => {
    if (command?.toLowerCase() === 'set' && name && pattern.test(name)) writes.set(name, (writes.get(name) ?? 0) + 1);
  });
  return writes;
};
