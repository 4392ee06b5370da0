import type { PromptSegment } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { DecoderPool } from '../src/index.ts';
import { answerTo, collect, failAt, MODEL, request, type Script, stall, startPod, startPool } from './scripted-pods.ts';

const SOON = { timeout: 10_000, interval: 10 };

/** Two pods with the same script; the first one to be asked is `requests`' first. */
const startTwo = async (script: Script) => {
  const pods = [await startPod(script), await startPod(script)] as const;
  const started = await startPool(pods.map(({ address }) => address));
  await expect.poll(() => started.pool.size, SOON).toBe(2);
  return { ...started, pods, asked: () => pods.flatMap(({ requests }) => requests) };
};

/** Does something only the first time, whichever pod it is at. */
const once = (token: number, act: Script): Script => {
  let done = false;
  return (at) => {
    if (done || at.token !== token) return;
    done = true;
    return act(at);
  };
};

describe('a pool of decoders', () => {
  it('is one decoder: same events, same model', async () => {
    const { pool, seen, asked } = await startTwo(() => {});
    expect(await collect(pool.generate(request()))).toEqual(answerTo(10));
    expect([pool.model, pool.maxContext, asked().length]).toEqual([MODEL, 64, 1]);
    expect(seen).toMatchObject({ routed: ['hash'], outcomes: ['ok'], prefilled: 1, resumedAfter: [] });
  });

  it('is not there before a decoder is', async () => {
    const options = { resolve: async () => ['127.0.0.1:1'], patienceMs: 100 };
    await expect(DecoderPool.create(options, AbortSignal.timeout(100))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
  });

  it('holds no more than the smallest of its decoders, and asks none that serves another model', async () => {
    const foreign = await startPod(() => {}, { model: { ...MODEL, source: 'other' } });
    const small = await startPod(() => {}, { model: { ...MODEL, maxContext: 32 } });
    const addresses = [(await startPod()).address];
    const { pool, seen } = await startPool(addresses);
    addresses.push(foreign.address, small.address);
    await expect.poll(() => [pool.size, seen.foreign, pool.maxContext], SOON).toEqual([2, 1, 32]);
    for (let i = 0; i < 8; i++)
      await collect(pool.generate(request({ prompt: [{ kind: 'tokens', ids: Array(8).fill(i) }] })));
    expect(foreign.requests).toEqual([]);
  });

  it('sends requests to a decoder that is new', async () => {
    const [old, fresh] = [await startPod(stall), await startPod()];
    const addresses = [old.address];
    const { pool } = await startPool(addresses);
    const leaving = new AbortController();
    const busy = Array.from({ length: 4 }, () => collect(pool.generate(request(), leaving.signal)).catch(() => {}));
    await expect.poll(() => old.requests.length, SOON).toBe(4);
    addresses.push(fresh.address);
    await expect.poll(() => pool.size, SOON).toBe(2);
    expect(await collect(pool.generate(request()))).toEqual(answerTo(10));
    expect(fresh.requests).toHaveLength(1);
    leaving.abort();
    await Promise.all(busy);
  });

  it('sees what others have decoders do', async () => {
    const { pool, pods, asked } = await startTwo(({ request: { maxTokens }, ...at }) =>
      maxTokens === 11 ? stall({ request: request(), ...at }) : undefined,
    );
    const { pool: other } = await startPool(pods.map(({ address }) => address));
    await expect.poll(() => other.size, SOON).toBe(2);
    const leaving = new AbortController();
    const busy = Array.from({ length: 3 }, () => collect(pool.generate(request({ maxTokens: 11 }), leaving.signal)));
    await expect.poll(() => asked().length, SOON).toBe(3);
    const idle = pods.find(({ requests }) => requests.length === 0);
    await expect
      .poll(async () => (await collect(other.generate(request()))) && idle?.requests.length, SOON)
      .toBeGreaterThan(0);
    leaving.abort();
    expect((await Promise.allSettled(busy)).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  });

  it('sends the next turn of a dialog where the last one was', async () => {
    const { pool, pods, seen } = await startTwo(() => {});
    const turn = (length: number, from: number): PromptSegment[] => [
      { kind: 'tokens', ids: Array.from({ length }, (_, i) => (i < 16 ? i : from + i)) },
    ];
    for (let dialog = 0; dialog < 10; dialog++) {
      for (const length of [40, 60, 80]) await collect(pool.generate(request({ prompt: turn(length, 20 * dialog) })));
    }
    for (const { requests } of pods) {
      const firsts = requests.map(({ prompt }) => (prompt[0]?.kind === 'tokens' ? prompt[0].ids[16] : undefined));
      expect(firsts.length).toBe(3 * new Set(firsts).size);
    }
    expect(seen.routed.filter((reason) => reason === 'prefix').length).toBeGreaterThanOrEqual(20);
  });
});

describe('an answer whose decoder is lost', () => {
  const losses: readonly (readonly [string, number, Script])[] = [
    ['before it began', -1, failAt(-1, 'unavailable')],
    ['before its first token', 0, failAt(0, 'unavailable')],
    ['half-way', 5, failAt(5, 'unavailable')],
    ['before its last token', 9, failAt(9, 'unavailable')],
  ];

  it.each(losses)('goes on elsewhere and reads as if nothing had happened: %s', async (_, token, act) => {
    const { pool, seen, asked } = await startTwo(once(token, act));
    expect(await collect(pool.generate(request()))).toEqual(answerTo(10));
    const soFar = Array.from({ length: Math.max(token, 0) }, (__, i) => 100 + i);
    expect(asked().map(({ answered = [] }) => answered)).toEqual(expect.arrayContaining([[], soFar]));
    expect(asked()).toHaveLength(2);
    expect(seen).toMatchObject({ outcomes: ['unavailable', 'ok'], resumedAfter: token > 0 ? [token] : [] });
  });

  it('is complete when only the news of its end was lost', async () => {
    const { pool, seen } = await startTwo(once(10, failAt(10, 'unavailable')));
    expect(await collect(pool.generate(request()))).toEqual(answerTo(10));
    expect(seen.outcomes).toEqual(['unavailable']);
  });

  it('ends where it is when the decoder drains, while other requests go elsewhere', async () => {
    const held = Promise.withResolvers<void>();
    const { pool, pods, asked } = await startTwo(once(5, () => held.promise));
    const events = collect(pool.generate(request()));
    await expect.poll(() => asked().length, SOON).toBe(1);
    const draining = pods.find(({ requests }) => requests.length === 1);
    const drained = draining?.server.drain(60_000);
    await expect.poll(() => pool.size, SOON).toBe(1);
    expect(await collect(pool.generate(request()))).toEqual(answerTo(10));
    expect(draining?.requests).toHaveLength(1);
    held.resolve();
    expect(await events).toEqual(answerTo(10));
    await drained;
    expect(asked().every(({ answered }) => answered === undefined)).toBe(true);
  });

  it('goes on elsewhere when the decoder ends it because it drained for too long', async () => {
    const { pool, pods, asked } = await startTwo(once(5, stall));
    const events = collect(pool.generate(request()));
    await expect.poll(() => asked().length, SOON).toBe(1);
    await pods.find(({ requests }) => requests.length === 1)?.server.drain(1);
    expect(await events).toEqual(answerTo(10));
  });

  it('is given up when it has been lost too often: a request that ends decoders must not end them all', async () => {
    const { pool, asked } = await startTwo(({ token, request: { answered = [] } }) => {
      if (token > answered.length) throw Object.assign(new Error(), { name: 'AbortError' });
    });
    await expect(collect(pool.generate(request()))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/5 times/),
    });
    expect(asked()).toHaveLength(5);
  });

  it('waits for a decoder that comes soon', async () => {
    const only = await startPod(once(5, stall));
    const addresses = [only.address];
    const { pool } = await startPool(addresses, { patienceMs: 10_000 });
    const events = collect(pool.generate(request()));
    await expect.poll(() => only.requests.length, SOON).toBe(1);
    await only.server.stop();
    const fresh = await startPod();
    addresses.push(fresh.address);
    expect(await events).toEqual(answerTo(10));
  });
});

describe('a request', () => {
  it.each([
    'invalid_request',
    'context_length_exceeded',
    'embedding_missing',
    'invalid_embedding',
    'inference_failed',
  ] as const)('is not sent elsewhere when it fails with %s', async (code) => {
    const { pool, asked } = await startTwo(failAt(-1, code));
    await expect(collect(pool.generate(request()))).rejects.toMatchObject({ code });
    expect(asked()).toHaveLength(1);
  });

  it('goes to the next decoder when one is busy, and is refused with the shortest wait when all are', async () => {
    const waits = [700, 300];
    const { pool, asked } = await startTwo((at) => {
      const retryAfterMs = waits[asked().length - 1];
      return retryAfterMs === undefined ? undefined : failAt(-1, 'overloaded', { retryAfterMs })(at);
    });
    await expect(collect(pool.generate(request()))).rejects.toMatchObject({
      code: 'overloaded',
      details: { retryAfterMs: 300 },
    });
    expect(asked()).toHaveLength(2);
    waits.splice(0, 2, 0, 0, 100);
    expect(await collect(pool.generate(request()))).toEqual(answerTo(10));
    expect(asked()).toHaveLength(4);
  });

  it('fails with `unavailable` in bounded time when all decoders are gone', async () => {
    const { pool, pods } = await startTwo(() => {});
    await Promise.all(pods.map(({ server }) => server.stop()));
    await expect(collect(pool.generate(request()))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('takes its deadline along, and to where it goes on', async () => {
    const { pool, asked } = await startTwo(once(5, failAt(5, 'unavailable')));
    const deadlineMs = Date.now() + 100_000;
    expect(await collect(pool.generate(request({ deadlineMs })))).toEqual(answerTo(10));
    expect(asked()).toHaveLength(2);
    for (const wanted of asked()) expect(Math.abs((wanted.deadlineMs ?? 0) - deadlineMs)).toBeLessThan(50_000);
  });

  it('ends at its deadline, at the decoder as well, running or waiting for one', async () => {
    const { pool, pods, asked } = await startTwo(stall);
    const late = collect(pool.generate(request({ deadlineMs: Date.now() + 200 })));
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect.poll(() => pods.map(({ load }) => load().running), SOON).toEqual([0, 0]);
    expect(asked()).toHaveLength(1);
    await Promise.all(pods.map(({ server }) => server.stop()));
    await expect.poll(() => pool.size, SOON).toBe(0);
    const waiting = collect(pool.generate(request({ deadlineMs: Date.now() + 100 })));
    await expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('frees its place when its caller aborts or leaves, and is not sent elsewhere', async () => {
    const { pool, pods, asked } = await startTwo(({ token, signal, ...at }) =>
      token === 3 ? stall({ token, signal, ...at }) : undefined,
    );
    const leaving = new AbortController();
    const aborted = collect(pool.generate(request(), leaving.signal));
    await expect.poll(() => asked().length, SOON).toBe(1);
    leaving.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'cancelled' });
    for await (const { kind } of pool.generate(request())) if (kind === 'token') break;
    await expect.poll(() => pods.map(({ load }) => load().running), SOON).toEqual([0, 0]);
    expect(asked()).toHaveLength(2);
    await expect(collect(pool.generate(request(), AbortSignal.abort()))).rejects.toMatchObject({ code: 'cancelled' });
    expect(asked()).toHaveLength(2);
  });
});

describe('a decoder that fails again and again', () => {
  it('gets no more requests for a while', async () => {
    const bad = await startPod(failAt(-1, 'unavailable'), { slots: 100 });
    const good = await startPod(() => {});
    const { pool } = await startPool([bad.address, good.address], {
      endpoints: { breaker: { failures: 3, firstOpenMs: 600_000, maxOpenMs: 600_000 } },
    });
    await expect.poll(() => pool.size, SOON).toBe(2);
    for (let i = 0; i < 40; i++) {
      const prompt = [{ kind: 'tokens', ids: Array(8).fill(i) }] as const;
      expect(await collect(pool.generate(request({ prompt })))).toEqual(answerTo(10));
    }
    expect(bad.requests).toHaveLength(3);
    expect(pool.size).toBe(1);
  });
});
