import type { Redis } from 'ioredis';
import { waitersKeyOf } from './redis-names.ts';

// Lua: milliseconds by the server's clock, so that the clocks of processes need not agree.
const NOW = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

const REGISTER = `${NOW}
local deadline = now + tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], 'GT', deadline, ARGV[1])
local latest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], latest[2] + 60000)
return redis.call('HGET', KEYS[2], 'priority')`;

const LEAVE = `${NOW}
if ARGV[2] == 'expired' then
  redis.call('ZADD', KEYS[1], 'XX', now, ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return {redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf'), redis.call('EXISTS', KEYS[2])}`;

const REMAINING = `${NOW}
local remaining = {}
for index, key in ipairs(KEYS) do
  local latest = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  remaining[index] = latest[2] and latest[2] - now or false
end
return remaining`;

/** Who waits for which job, in all processes, and until when. Methods reject when Redis does not answer. */
export class RedisWaiters {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /**
   * This process waits for the job for so long, at least.
   *
   * @returns BullMQ's priority of the job, if it is there already.
   */
  async register(process: string, jobId: string, jobKey: string, remainingMs: number): Promise<number | undefined> {
    const remaining = String(Math.ceil(remainingMs));
    const priority = await this.#redis.eval(REGISTER, 2, this.#key(jobId), jobKey, process, remaining);
    return priority === null ? undefined : Number(priority);
  }

  /** This process waits no more: its deadline passed, which stays on record, or its requests are gone. */
  async leave(
    process: string,
    jobId: string,
    jobKey: string,
    reason: 'expired' | 'abandoned',
  ): Promise<{ alone: boolean; jobIsThere: boolean }> {
    const answer = await this.#redis.eval(LEAVE, 2, this.#key(jobId), jobKey, process, reason);
    const [others, exists] = Array.isArray(answer) ? answer : [];
    return { alone: Number(others) === 0, jobIsThere: Number(exists) === 1 };
  }

  /** How long, in milliseconds, each job is still waited for; zero or less if all deadlines passed, undefined if nobody waits. */
  async remainingMs(jobIds: readonly string[]): Promise<readonly (number | undefined)[]> {
    if (jobIds.length === 0) return [];
    const keys = jobIds.map((jobId) => this.#key(jobId));
    const answer = await this.#redis.eval(REMAINING, keys.length, ...keys);
    const remaining: unknown[] = Array.isArray(answer) ? answer : [];
    return jobIds.map((_, index) => (typeof remaining[index] === 'number' ? remaining[index] : undefined));
  }

  /** The job has ended. */
  async forget(jobId: string): Promise<void> {
    await this.#redis.del(this.#key(jobId));
  }

  #key(jobId: string): string {
    return waitersKeyOf(this.#prefix, jobId);
  }
}
