import { randomUUID } from 'node:crypto';
import { EideticError } from '@eidetic/core';
import { connectForCommands, type FailureObserver } from '@eidetic/durable-redis';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { checkQuota, fileTooLarge, noSuchFile } from './file-errors.ts';
import { type FileRecord, fileRecordSchema } from './file-record.ts';
import type { FileQuota, FileStore, FileUsage, StagedFile } from './file-store.ts';

/** Where the files are. */
export interface RedisFileStoreOptions {
  /** Of a Redis with maxmemory-policy noeviction. */
  readonly url: string;
  /** Of all keys, with a hash tag, e.g. `{eidetic}`. */
  readonly prefix: string;
  readonly observer: FailureObserver;
}

/** Bytes of one value: no command keeps others waiting for long, and none is near its time limit. */
const CHUNK_BYTES = 512 * 1024;
/** An upload that has not grown for so long has been abandoned by its gateway. */
const STAGED_SECONDS = 600;

/** A record as it is stored: where its bytes are, too. */
const storedSchema = fileRecordSchema.extend({ content: z.string(), chunks: z.int() });
type Stored = z.infer<typeof storedSchema>;

/** KEYS record, list, bytes, expiry, content; ARGV record, id, created, size, expires or -1, most files or -1, most bytes, chunks. */
const COMMIT = `
if redis.call('EXISTS', KEYS[1]) == 1 then return {'present'} end
if redis.call('HLEN', KEYS[5]) ~= tonumber(ARGV[8]) then return {'lost'} end
local files = redis.call('ZCARD', KEYS[2])
local bytes = tonumber(redis.call('GET', KEYS[3]) or '0')
if tonumber(ARGV[6]) >= 0 and (files + 1 > tonumber(ARGV[6]) or bytes + tonumber(ARGV[4]) > tonumber(ARGV[7])) then
  return {'quota', files, bytes}
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
redis.call('INCRBY', KEYS[3], ARGV[4])
if tonumber(ARGV[5]) >= 0 then redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2]) end
redis.call('PERSIST', KEYS[5])
return {'stored'}`;

/** KEYS record, list, bytes, expiry, content; ARGV id, size. */
const REMOVE = `
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DECRBY', KEYS[3], ARGV[2])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('UNLINK', KEYS[5])
return 1`;

/** Files in a Redis that gateways share. Bytes are in chunks in a hash, which expires by itself until it is a file's. */
export class RedisFileStore implements FileStore {
  readonly #redis: Redis;
  readonly #prefix: string;

  /** @throws EideticError `unavailable` if Redis cannot be reached, `invalid_config` if it may evict keys. */
  static async open({ url, prefix, observer }: RedisFileStoreOptions): Promise<RedisFileStore> {
    return new RedisFileStore(await connectForCommands(url, observer, 'The Redis of files'), prefix);
  }

  private constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async stage(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StagedFile> {
    const name = randomUUID();
    const key = this.#contentKey(name);
    let sizeBytes = 0;
    let chunks = 0;
    try {
      for await (const chunk of inChunks(content)) {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes) throw fileTooLarge(maxBytes);
        await this.#ask((redis) => redis.multi().hset(key, chunks, chunk).expire(key, STAGED_SECONDS).exec());
        chunks += 1;
      }
    } catch (error) {
      await this.#discard(key);
      throw error;
    }
    let committed = false;
    return {
      sizeBytes,
      read: () => this.#chunks(key, chunks),
      commit: async (record, quota) => {
        const file = await this.#commit({ ...record, sizeBytes, content: name, chunks }, quota);
        committed = true;
        return file;
      },
      discard: async () => {
        if (!committed) await this.#discard(key);
      },
    };
  }

  async get(id: string): Promise<FileRecord | undefined> {
    const stored = await this.#stored(id);
    return stored && toRecord(stored);
  }

  async list(tenant: string): Promise<readonly FileRecord[]> {
    const ids = await this.#ask((redis) => redis.zrange(this.#listKey(tenant), '0', '-1'));
    if (ids.length === 0) return [];
    const texts = await this.#ask((redis) => redis.mget(ids.map((id) => this.#recordKey(id))));
    return texts.flatMap((text) => (text === null ? [] : [toRecord(parse(text))]));
  }

  async *read(id: string): AsyncGenerator<Uint8Array> {
    const stored = await this.#stored(id);
    if (stored === undefined) throw noSuchFile(id);
    yield* this.#chunks(this.#contentKey(stored.content), stored.chunks);
  }

  async remove(id: string): Promise<boolean> {
    const stored = await this.#stored(id);
    if (stored === undefined) return false;
    const keys = this.#keysOf(stored);
    return (await this.#ask((redis) => redis.eval(REMOVE, keys.length, ...keys, id, String(stored.sizeBytes)))) === 1;
  }

  async usage(tenant: string): Promise<FileUsage> {
    const files = await this.#ask((redis) => redis.zcard(this.#listKey(tenant)));
    const bytes = await this.#ask((redis) => redis.get(this.#bytesKey(tenant)));
    return { files, bytes: Number(bytes ?? 0) };
  }

  async removeExpired(nowMs: number): Promise<number> {
    const due = await this.#ask((redis) => redis.zrangebyscore(this.#expiryKey(), 0, nowMs));
    let removed = 0;
    for (const id of due) if (await this.remove(id)) removed += 1;
    return removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
  }

  async #commit(stored: Stored, quota?: FileQuota): Promise<FileRecord> {
    const keys = this.#keysOf(stored);
    const { id, createdAtMs, sizeBytes, expiresAtMs = -1, chunks } = stored;
    const limits = [quota?.maxFiles ?? -1, quota?.maxBytes ?? 0];
    const values = [JSON.stringify(stored), id, createdAtMs, sizeBytes, expiresAtMs, ...limits, chunks];
    const reply = await this.#ask((redis) => redis.eval(COMMIT, keys.length, ...keys, ...values.map(String)));
    const [outcome, files, bytes] = z.tuple([z.string()]).rest(z.number()).parse(reply);
    if (outcome === 'quota' && quota) checkQuota({ files: files ?? 0, bytes: bytes ?? 0 }, sizeBytes, quota);
    if (outcome === 'lost')
      throw new EideticError('unavailable', 'The upload took too long to be kept; send it again.');
    if (outcome === 'present') await this.#discard(this.#contentKey(stored.content));
    return (outcome === 'present' ? await this.get(id) : undefined) ?? toRecord(stored);
  }

  async *#chunks(key: string, count: number): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < count; i++) {
      const chunk = await this.#ask((redis) => redis.hgetBuffer(key, String(i)));
      if (chunk === null) throw new EideticError('not_found', 'The file was deleted while it was read.');
      yield chunk;
    }
  }

  async #stored(id: string): Promise<Stored | undefined> {
    const text = await this.#ask((redis) => redis.get(this.#recordKey(id)));
    return text === null ? undefined : parse(text);
  }

  async #discard(key: string): Promise<void> {
    // It goes by itself after a while.
    await this.#redis.unlink(key).catch(() => undefined);
  }

  async #ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(this.#redis);
    } catch (cause) {
      const full = cause instanceof Error && /^(OOM|EXECABORT) /.test(cause.message);
      const message = full ? 'The Redis of files is full; try again later.' : 'The Redis of files does not answer.';
      throw new EideticError('unavailable', message, { cause });
    }
  }

  #keysOf({ id, tenant, content }: Stored): string[] {
    const list = this.#listKey(tenant);
    return [this.#recordKey(id), list, this.#bytesKey(tenant), this.#expiryKey(), this.#contentKey(content)];
  }

  #recordKey(id: string): string {
    return `${this.#prefix}:file:${id}`;
  }

  #contentKey(name: string): string {
    return `${this.#prefix}:file-content:${name}`;
  }

  #listKey(tenant: string): string {
    return `${this.#prefix}:files:${tenant}`;
  }

  #bytesKey(tenant: string): string {
    return `${this.#prefix}:files-bytes:${tenant}`;
  }

  #expiryKey(): string {
    return `${this.#prefix}:files-expiry`;
  }
}

const parse = (text: string): Stored => storedSchema.parse(JSON.parse(text));

const toRecord = ({ content: _content, chunks: _chunks, ...record }: Stored): FileRecord => record;

/** The same bytes, cut anew: all pieces but the last have {@link CHUNK_BYTES}. */
async function* inChunks(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const piece of content) {
    for (let offset = 0; offset < piece.length; ) {
      const part = piece.subarray(offset, offset + CHUNK_BYTES - heldBytes);
      held.push(part);
      heldBytes += part.length;
      offset += part.length;
      if (heldBytes === CHUNK_BYTES) {
        yield Buffer.concat(held);
        held = [];
        heldBytes = 0;
      }
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
