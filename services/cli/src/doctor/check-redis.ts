import { EideticError } from '@eidetic/core';
import { Redis } from 'ioredis';
import { type Finding, ok, problem, warning } from './finding.ts';

/** What Redis says of itself. */
interface RedisState {
  readonly version: string;
  readonly policy: string;
  /** Bytes; 0 for no limit. */
  readonly maxmemory: number;
  readonly appendonly: boolean;
  /** Tells servers apart that are reached under several addresses. */
  readonly runId: string;
  /** Its clock, in milliseconds since 1970. */
  readonly nowMs: number;
}

/** A Redis as it was found. */
export interface RedisFinding {
  readonly finding: Finding;
  readonly state?: RedisState;
}

const TIMEOUT_MS = 3000;

/** GETEX, with which reading from the cache prolongs the life of what is read, came with 6.2. */
const LEAST_VERSION = [6, 2] as const;

/** `redis://:secret@host:6379` without the secret. */
const shown = (url: string): string => {
  const parsed = URL.parse(url);
  return parsed === null ? 'this address' : `${parsed.protocol}//${parsed.host}`;
};

/** What a Redis is for. */
export type RedisRole = 'queue' | 'cache';

/** Whether the Redis of the queue or of the caches is there, and set up for it. */
export async function checkRedis(role: RedisRole, url: string): Promise<RedisFinding> {
  const check = `${role} Redis`;
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    retryStrategy: null,
  });
  // The call that fails says only that the connection is closed.
  let lost: Error | undefined;
  redis.on('error', (error) => {
    lost = error;
  });
  try {
    await redis.connect();
    const [info, [seconds, microseconds]] = await Promise.all([redis.info(), redis.time()]);
    const state = readState(info, Number(seconds) * 1000 + Number(microseconds) / 1000);
    return { state, finding: judgeRedis(check, role, shown(url), state) };
  } catch (error) {
    const reason = (lost ?? EideticError.from(error)).message;
    const remedy = `Start it (redis-server), or correct its address and password: EIDETIC_${role.toUpperCase()}_REDIS_URL.`;
    return { finding: problem(check, `${shown(url)} cannot be used (${reason})`, remedy) };
  } finally {
    redis.disconnect();
  }
}

/** From the text of INFO: https://redis.io/docs/latest/commands/info/ */
function readState(info: string, nowMs: number): RedisState {
  const field = (name: string): string => new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1] ?? '';
  return {
    version: field('redis_version'),
    policy: field('maxmemory_policy'),
    maxmemory: Number(field('maxmemory')),
    appendonly: field('aof_enabled') === '1',
    runId: field('run_id'),
    nowMs,
  };
}

/** What is to be said of a Redis in its role. */
function judgeRedis(check: string, role: RedisRole, address: string, state: RedisState): Finding {
  const { version, policy, maxmemory, appendonly } = state;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_VERSION;
  const found = `${address}, Redis ${version}`;
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    return problem(check, found, `Use Redis ${LEAST_VERSION.join('.')} or later.`);
  }
  if (role === 'queue') {
    if (policy !== 'noeviction') {
      const remedy = 'CONFIG SET maxmemory-policy noeviction, and keep the caches on a Redis of their own.';
      return problem(check, `${found}: maxmemory-policy is ${policy}, under which jobs vanish`, remedy);
    }
    if (!appendonly) {
      return warning(check, `${found}: pictures that wait are lost when it restarts`, 'CONFIG SET appendonly yes.');
    }
    return ok(check, `${found}, noeviction, appendonly`);
  }
  if (maxmemory === 0) {
    const remedy = 'CONFIG SET maxmemory to what the machine can spare, and maxmemory-policy allkeys-lfu.';
    return warning(check, `${found}: maxmemory is not set, so that it grows until the system ends it`, remedy);
  }
  if (policy === 'allkeys-lfu') return ok(check, `${found}, allkeys-lfu`);
  const remedy = 'CONFIG SET maxmemory-policy allkeys-lfu: what is used often stays.';
  if (policy === 'noeviction')
    return problem(check, `${found}: when it is full, nothing is kept any more (noeviction)`, remedy);
  return warning(check, `${found}: maxmemory-policy is ${policy}`, remedy);
}
