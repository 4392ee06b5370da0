import type { EncodeBacklog } from '@eidetic/core';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { readStoredJob } from './encode-job-schema.ts';
import type { RedisWaiters } from './redis-waiters.ts';

// Enough to tell that more consumers are needed; reading more would cost Redis more than the answer is worth.
const SAMPLE = 1_000;

// Notes at which start (BullMQ's `ats`) a job went to its handler. A job that is gone must not come back as a hash without data.
const MARK_DISPATCHED = `for _, key in ipairs(KEYS) do
  local start = redis.call('HGET', key, 'ats')
  if start then redis.call('HSET', key, 'dispatched', start) end
end`;

/** Jobs that a consumer has fetched go to its handler now: they wait no more. Keys are those of BullMQ's jobs. */
export async function markDispatched(redis: Redis, jobKeys: readonly string[]): Promise<void> {
  await redis.eval(MARK_DISPATCHED, jobKeys.length, ...jobKeys);
}

interface Known {
  readonly cost: number;
  readonly addedAtMs: number;
}

/**
 * What is in Redis without an outcome. It waits: new jobs, those that come back from a lost consumer, those that rest after a failure, those that a
 * consumer has fetched for its next batch. Or a handler has it. Up to 1,000 the numbers are exact; of more that wait, cost and age are those
 * of the first 1,000, the cost in proportion, and of more that consumers have, the first 1,000 count.
 */
export async function readBacklog(redis: Redis, queue: Queue, waiters: RedisWaiters): Promise<EncodeBacklog> {
  const now = Date.now();
  const wait = queue.toKey('wait');
  const prioritized = queue.toKey('prioritized');
  const delayed = queue.toKey('delayed');
  const counts = await Promise.all([redis.llen(wait), redis.zcard(prioritized), redis.zcard(delayed)]);
  const ids = await Promise.all([
    redis.lrange(wait, -SAMPLE, -1),
    redis.zrange(prioritized, '0', String(SAMPLE - 1)),
    redis.zrange(delayed, '0', String(SAMPLE - 1)),
  ]);
  const { fetched, handled } = await readActive(redis, queue, waiters);
  const sample = ids.flat().slice(0, SAMPLE);
  const queued = await Promise.all(sample.map((id) => redis.hmget(queue.toKey(id), 'data', 'timestamp')));
  const known = [...fetched, ...queued.flatMap(([data, timestamp]) => readKnown(data, timestamp))];
  const jobs = counts.reduce((sum, count) => sum + count, fetched.length);
  const oldestMs = now - Math.min(now, ...known.map(({ addedAtMs }) => addedAtMs));
  return {
    jobs,
    cost: known.length === 0 ? 0 : Math.round((costOf(known) * jobs) / known.length),
    handled: { jobs: handled.length, cost: costOf(handled) },
    oldestMs,
  };
}

const costOf = (jobs: readonly Known[]): number => jobs.reduce((sum, { cost }) => sum + cost, 0);

/** What consumers hold: those that they have not given to their handlers and that somebody waits for, and those that handlers have. */
async function readActive(redis: Redis, queue: Queue, waiters: RedisWaiters) {
  const ids = await redis.lrange(queue.toKey('active'), 0, SAMPLE - 1);
  const remainingMs = await waiters.remainingMs(ids);
  const fields = await Promise.all(
    ids.map((id) => redis.hmget(queue.toKey(id), 'data', 'timestamp', 'ats', 'dispatched')),
  );
  const [fetched, handled]: [Known[], Known[]] = [[], []];
  for (const [index, [data, timestamp, start, dispatched]] of fields.entries()) {
    if (start === dispatched) handled.push(...readKnown(data, timestamp));
    else if ((remainingMs[index] ?? 0) > 0) fetched.push(...readKnown(data, timestamp));
  }
  return { fetched, handled };
}

/** Nothing for a job that is gone by now, or malformed. */
function readKnown(data: string | null | undefined, timestamp: string | null | undefined): readonly Known[] {
  if (typeof data !== 'string') return [];
  try {
    const read = readStoredJob(JSON.parse(data));
    return 'job' in read ? [{ cost: read.job.cost, addedAtMs: Number(timestamp) }] : [];
  } catch {
    // No JSON: its consumer will say so.
    return [];
  }
}
