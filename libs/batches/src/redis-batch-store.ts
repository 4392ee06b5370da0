import { EideticError } from '@eidetic/core';
import { connectForCommands, type FailureObserver } from '@eidetic/durable-redis';
import type { Redis } from 'ioredis';
import { type Batch, batchSchema, hasEnded, isGood, type LineResult, lineResultSchema } from './batch.ts';
import { noSuchBatch, tooManyBatches } from './batch-errors.ts';
import type { BatchStore } from './batch-store.ts';

/** Where batches are. */
export interface RedisBatchOptions {
  /** Of a Redis with maxmemory-policy noeviction. */
  readonly url: string;
  /** Of all keys, with a hash tag, e.g. `{eidetic}`. */
  readonly prefix: string;
  readonly observer: FailureObserver;
}

/** What its server is called in errors. */
export const REDIS_NAME = 'The Redis of batches';

/** Results that are read at a time. */
const PAGE = 50;

/** KEYS batch, tenant's list, tenant's open ones, all open ones; ARGV batch, id, created, most open. */
const ADD = `
if redis.call('SCARD', KEYS[3]) >= tonumber(ARGV[4]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
redis.call('SADD', KEYS[3], ARGV[2])
redis.call('ZADD', KEYS[4], ARGV[3], ARGV[2])
return 1`;

/** KEYS batch, tenant's open ones, all open ones, ended ones, results; ARGV before, after, id, time of its end or -1. */
const CHANGE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
if tonumber(ARGV[4]) >= 0 then
  redis.call('SREM', KEYS[2], ARGV[3])
  redis.call('ZREM', KEYS[3], ARGV[3])
  redis.call('ZADD', KEYS[4], ARGV[4], ARGV[3])
  redis.call('UNLINK', KEYS[5])
end
return 1`;

/** KEYS all open ones, results, counts; ARGV id, line, result, count. */
const RECORD = `
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
if redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[3], ARGV[4], 1)
return 1`;

/** Batches in a Redis that gateways share. */
export class RedisBatchStore implements BatchStore {
  readonly #redis: Redis;
  readonly #prefix: string;

  /** @throws EideticError `unavailable` if Redis cannot be reached, `invalid_config` if it may evict keys. */
  static async open({ url, prefix, observer }: RedisBatchOptions): Promise<RedisBatchStore> {
    return new RedisBatchStore(await connectForCommands(url, observer, REDIS_NAME), prefix);
  }

  private constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async add(batch: Batch, maxOpen: number): Promise<void> {
    const { id, tenant, createdAtMs } = batch;
    const keys = [this.#batchKey(id), this.#listKey(tenant), this.#openKeyOf(tenant), this.#key('open')];
    const added = await this.#eval(ADD, keys, [JSON.stringify(batch), id, createdAtMs, maxOpen]);
    if (added === 0) throw tooManyBatches(maxOpen);
  }

  async get(id: string): Promise<Batch | undefined> {
    const text = await this.#ask((redis) => redis.get(this.#batchKey(id)));
    return text === null ? undefined : this.#withCounts(text);
  }

  async list(tenant: string): Promise<readonly Batch[]> {
    const ids = await this.#ask((redis) => redis.zrange(this.#listKey(tenant), '0', '-1'));
    const batches = await Promise.all(ids.map((id) => this.get(id)));
    return batches.filter((batch) => batch !== undefined);
  }

  async change(id: string, next: (batch: Batch) => Batch): Promise<Batch> {
    for (;;) {
      const before = await this.#ask((redis) => redis.get(this.#batchKey(id)));
      if (before === null) throw noSuchBatch(id);
      const current = await this.#withCounts(before);
      const batch = next(current);
      if (batch === current) return current;
      const { tenant, endedAtMs = -1 } = batch;
      const open = [this.#openKeyOf(tenant), this.#key('open'), this.#key('ended')];
      const keys = [this.#batchKey(id), ...open, this.#resultsKey(id)];
      const changed = await this.#eval(CHANGE, keys, [before, JSON.stringify(batch), id, endedAtMs]);
      if (changed === 1) return batch;
    }
  }

  async record(id: string, line: number, result: LineResult): Promise<boolean> {
    const keys = [this.#key('open'), this.#resultsKey(id), this.#countsKey(id)];
    const count = isGood(result) ? 'completed' : 'failed';
    return (await this.#eval(RECORD, keys, [id, line, JSON.stringify(result), count])) === 1;
  }

  async recorded(id: string): Promise<ReadonlySet<number>> {
    return new Set((await this.#ask((redis) => redis.hkeys(this.#resultsKey(id)))).map(Number));
  }

  async *results(id: string): AsyncGenerator<LineResult> {
    const lines = [...(await this.recorded(id))].toSorted((a, b) => a - b);
    for (let start = 0; start < lines.length; start += PAGE) {
      const page = lines.slice(start, start + PAGE).map(String);
      const texts = await this.#ask((redis) => redis.hmget(this.#resultsKey(id), ...page));
      for (const text of texts) if (text !== null) yield lineResultSchema.parse(JSON.parse(text));
    }
  }

  async open(): Promise<readonly string[]> {
    return this.#ask((redis) => redis.zrange(this.#key('open'), '0', '-1'));
  }

  async removeEnded(beforeMs: number): Promise<void> {
    const ids = await this.#ask((redis) => redis.zrangebyscore(this.#key('ended'), 0, `(${beforeMs}`));
    for (const id of ids) {
      const batch = await this.get(id);
      if (batch) await this.#ask((redis) => redis.zrem(this.#listKey(batch.tenant), id));
      await this.#ask((redis) => redis.del(this.#batchKey(id), this.#countsKey(id)));
      await this.#ask((redis) => redis.zrem(this.#key('ended'), id));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
  }

  async #withCounts(text: string): Promise<Batch> {
    const batch: Batch = batchSchema.parse(JSON.parse(text));
    if (hasEnded(batch)) return batch;
    const [completed, failed] = await this.#ask((redis) =>
      redis.hmget(this.#countsKey(batch.id), 'completed', 'failed'),
    );
    return { ...batch, completed: Number(completed ?? 0), failed: Number(failed ?? 0) };
  }

  #eval(script: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.#ask((redis) => redis.eval(script, keys.length, ...keys, ...values.map(String)));
  }

  async #ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(this.#redis);
    } catch (cause) {
      const full = cause instanceof Error && cause.message.startsWith('OOM ');
      const message = full ? `${REDIS_NAME} is full; try again later.` : `${REDIS_NAME} does not answer.`;
      throw new EideticError('unavailable', message, { cause });
    }
  }

  #key(name: string): string {
    return `${this.#prefix}:batches-${name}`;
  }

  #batchKey(id: string): string {
    return `${this.#prefix}:batch:${id}`;
  }

  #resultsKey(id: string): string {
    return `${this.#prefix}:batch-results:${id}`;
  }

  #countsKey(id: string): string {
    return `${this.#prefix}:batch-counts:${id}`;
  }

  #listKey(tenant: string): string {
    return `${this.#prefix}:batches:${tenant}`;
  }

  #openKeyOf(tenant: string): string {
    return `${this.#prefix}:batches-open-of:${tenant}`;
  }
}
