import { connect } from 'node:net';
import type { EmbeddingCache } from '@eidetic/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { embeddingOf, Fixture, now } from './fixtures.ts';

// Long enough that a healthy server on a busy machine answers, short enough to be waited for.
const TIMEOUT_MS = 500;

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const getOneByOne = async (cache: EmbeddingCache, times: number): Promise<void> => {
  for (let i = 0; i < times; i++) expect(await cache.get('k')).toBeUndefined();
};

describe('a Redis that is gone', () => {
  it('is a miss at once, and is used again when it is back', async () => {
    const server = await fixture.server({ appendonly: true });
    const { cache, outcomes, connection } = await fixture.cache(server.url);
    await cache.set('k', embeddingOf(1));
    await server.kill();
    await connection.until(false);
    await getOneByOne(cache, 3);
    await cache.set('other', embeddingOf(2));
    expect(outcomes.reads).toEqual(['unavailable', 'unavailable', 'unavailable']);
    expect(outcomes.writes).toEqual(['stored', 'unavailable']);

    await server.restart();
    await connection.until(true);
    expect(await cache.get('k')).toEqual(embeddingOf(1));
    expect(await cache.get('other')).toBeUndefined();
    expect(outcomes.reads.slice(3)).toEqual(['hit', 'miss']);
  });

  it('answers the calls that were on their way when it died', async () => {
    const server = await fixture.server();
    const { cache, outcomes } = await fixture.cache(server.url, { timeoutMs: 20_000 });
    server.pause();
    const calls = Promise.all([cache.get('a'), cache.get('b'), cache.set('c', embeddingOf(1, 256, 1024))]);
    await server.kill();
    expect(await calls).toEqual([undefined, undefined, 'unavailable']);
    expect(outcomes.reads).toEqual(['unavailable', 'unavailable']);
    expect(outcomes.writes).toEqual(['unavailable']);
  });

  it('does not keep a start waiting, and is found when it comes', async () => {
    const server = await fixture.server();
    await server.kill();
    const { cache, outcomes, connection } = await fixture.cache(server.url, { timeoutMs: TIMEOUT_MS });
    await getOneByOne(cache, 1);
    expect(outcomes.reads).toEqual(['unavailable']);
    expect(connection.told).toEqual([[false, expect.stringContaining('ECONNREFUSED')]]);
    await server.restart();
    await connection.until(true);
    await cache.set('k', embeddingOf(1));
    expect(outcomes.writes).toEqual(['stored']);
  });

  it('is told of once when it goes, with the reason, and once when it is back', async () => {
    const server = await fixture.server();
    const { cache, connection } = await fixture.cache(server.url, { timeoutMs: TIMEOUT_MS });
    server.pause();
    await getOneByOne(cache, 5);
    server.resume();
    await connection.until(true);
    expect(connection.told).toEqual([[true], [false, 'No answer within 500 ms.'], [true]]);
  });
});

describe('a Redis that does not answer', () => {
  it('costs one time-out, not one a call, while it is stopped', async () => {
    const server = await fixture.server();
    const { cache, outcomes, connection } = await fixture.cache(server.url, { timeoutMs: TIMEOUT_MS });
    await cache.set('kept', embeddingOf(1));
    server.pause();
    await getOneByOne(cache, 100);
    await cache.set('k', embeddingOf(2));
    expect(outcomes.reads).toEqual(['timeout', ...Array(99).fill('unavailable')]);
    expect(outcomes.writes).toEqual(['stored', 'unavailable']);
    server.resume();
    await connection.until(true);
    expect(await cache.get('kept')).toEqual(embeddingOf(1));
  });

  it('costs one time-out when the connection is half open, and a new connection serves', async () => {
    const server = await fixture.server();
    let stalled = false;
    const url = await fixture.listener((socket) => {
      const upstream = connect(server.port, server.host);
      upstream.on('error', () => undefined);
      socket.pipe(upstream);
      upstream.on('data', (bytes) => {
        if (!stalled) socket.write(bytes);
      });
    });
    const { cache, outcomes, connection } = await fixture.cache(url, { timeoutMs: TIMEOUT_MS });
    await cache.set('kept', embeddingOf(1));
    stalled = true;
    await getOneByOne(cache, 50);
    expect(outcomes.reads).toEqual(['timeout', ...Array(49).fill('unavailable')]);
    stalled = false;
    await connection.until(true);
    expect(await cache.get('kept')).toEqual(embeddingOf(1));
  });

  it.each([
    ['accepts and says nothing', () => undefined],
    ['accepts and closes', (socket: { destroy(): void }) => socket.destroy()],
    [
      'speaks another protocol',
      (socket: { write(text: string): void }) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ],
  ])('is never asked when it %s', async (_, serve) => {
    const { cache, outcomes, connection } = await fixture.cache(await fixture.listener(serve), {
      timeoutMs: TIMEOUT_MS,
    });
    await getOneByOne(cache, 10);
    await cache.set('k', embeddingOf(1));
    expect(outcomes.reads).toEqual(Array(10).fill('unavailable'));
    expect(outcomes.writes).toEqual(['unavailable']);
    expect(connection.told.map(([connected]) => connected)).not.toContain(true);
  });

  it('is called on less and less often while it serves nothing', async () => {
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const calls: number[] = [];
    const url = await fixture.listener((socket) => {
      if (calls.push(now()) === 4) resolve();
      socket.destroy();
    });
    await fixture.cache(url, { timeoutMs: TIMEOUT_MS });
    await enough;
    const [first = 0, second = 0, third = 0, fourth = 0] = calls;
    // A timer fires late, never early: these are bounds from below of waits that double from 100 ms.
    expect(third - second).toBeGreaterThan(150);
    expect(fourth - third).toBeGreaterThan(300);
    expect(second - first).toBeGreaterThan(50);
  });

  it('makes nobody wait for a write once enough bytes are on their way', async () => {
    const server = await fixture.server();
    const { cache, outcomes } = await fixture.cache(server.url, { timeoutMs: TIMEOUT_MS, maxWriteBytes: 1000 });
    server.pause();
    const first = cache.set('a', embeddingOf(1, 10, 100));
    await cache.set('b', embeddingOf(2, 10, 100));
    await cache.set('c', embeddingOf(3, 10, 100));
    expect(outcomes.writes).toEqual(['dropped', 'dropped']);
    await first;
    expect(outcomes.writes).toEqual(['dropped', 'dropped', 'timeout']);
    server.resume();
  });

  it('forgets the bytes of a write that is over', async () => {
    const server = await fixture.server();
    const { cache, outcomes } = await fixture.cache(server.url, { maxWriteBytes: 1 });
    for (let i = 0; i < 3; i++) await cache.set('k', embeddingOf(i));
    expect(outcomes.writes).toEqual(['stored', 'stored', 'stored']);
  });
});

describe('a Redis that answers with errors', () => {
  it('goes on serving what it has when it is full and may not evict', async () => {
    const server = await fixture.server({ maxmemory: '5mb', maxmemoryPolicy: 'noeviction' });
    const { cache, outcomes } = await fixture.cache(server.url, { timeoutMs: 20_000 });
    const sets = 30;
    for (let i = 0; i < sets; i++) await cache.set(`k${i}`, embeddingOf(i, 256, 1024));
    const stored = outcomes.writes.filter((outcome) => outcome === 'stored').length;
    expect(stored).toBeGreaterThan(0);
    expect(outcomes.writes).toEqual([...Array(stored).fill('stored'), ...Array(sets - stored).fill('full')]);
    for (let i = 0; i < stored; i++) expect(await cache.get(`k${i}`)).toEqual(embeddingOf(i, 256, 1024));
    expect(await cache.get(`k${stored}`)).toBeUndefined();
    expect(outcomes.reads).toEqual([...Array(stored).fill('hit'), 'miss']);
  });

  it('serves what is left, and nothing wrong, when it evicts', async () => {
    const server = await fixture.server({ maxmemory: '5mb', maxmemoryPolicy: 'allkeys-lfu' });
    const { cache, outcomes } = await fixture.cache(server.url, { timeoutMs: 20_000 });
    const sets = 30;
    for (let i = 0; i < sets; i++) await cache.set(`k${i}`, embeddingOf(i, 256, 1024));
    expect(outcomes.writes).toEqual(Array(sets).fill('stored'));
    const found = [];
    for (let i = 0; i < sets; i++) found.push(await cache.get(`k${i}`));
    for (const [i, embedding] of found.entries()) if (embedding) expect(embedding).toEqual(embeddingOf(i, 256, 1024));
    expect(new Set(outcomes.reads)).toEqual(new Set(['hit', 'miss']));
  });

  it('is a miss when it wants a password, and says so', async () => {
    const server = await fixture.server();
    await fixture.client(server.url).config('SET', 'requirepass', 'secret');
    const without = await fixture.cache(server.url, { timeoutMs: TIMEOUT_MS });
    await getOneByOne(without.cache, 1);
    expect(without.outcomes.reads).toEqual(['unavailable']);
    expect(without.connection.told).toEqual([[false, expect.stringContaining('NOAUTH')]]);
    const right = await fixture.cache(server.url.replace('//', '//:secret@'));
    await right.cache.set('k', embeddingOf(1));
    expect(right.outcomes.writes).toEqual(['stored']);
  });

  it('counts what it refuses, and stays connected', async () => {
    const server = await fixture.server();
    const { cache, outcomes, connection } = await fixture.cache(server.url);
    await fixture.client(server.url).config('SET', 'min-replicas-to-write', '1');
    await cache.set('k', embeddingOf(1));
    expect(outcomes.writes).toEqual(['refused']);
    expect(connection.told).toEqual([[true]]);
  });
});

describe('disposing of a store', () => {
  it('lets a write that is on its way end', async () => {
    const server = await fixture.server();
    const { cache, outcomes, connection } = await fixture.cache(server.url, { timeoutMs: 20_000 });
    server.pause();
    const written = cache.set('k', embeddingOf(1, 256, 1024));
    const disposed = connection.store[Symbol.asyncDispose]();
    server.resume();
    await Promise.all([written, disposed]);
    await getOneByOne(cache, 1);
    expect(outcomes).toMatchObject({ writes: ['stored'], reads: ['unavailable'] });
  });

  it('is told to nobody as a loss', async () => {
    const server = await fixture.server();
    const { connection } = await fixture.cache(server.url);
    await connection.store[Symbol.asyncDispose]();
    // By the time that a new one is there the old connection has ended.
    await fixture.cache(server.url);
    expect(connection.told).toEqual([[true]]);
  });
});
