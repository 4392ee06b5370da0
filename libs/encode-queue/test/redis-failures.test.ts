import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TestProcess } from './child-process.ts';
import { HeldHandler } from './held-handler.ts';
import { jobOf, LIMITS } from './jobs.ts';
import { answerAll, RedisPlace, SHORT_LOCKS } from './redis-place.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `picture ${index}`);
const keys = (count: number): string[] => names(count).map((name) => jobOf(name).key);
const DONE = { ok: true, tokens: 64 };

/** The most often that any key was handled. */
function mostHandlings(handled: readonly string[]): number {
  return Math.max(
    ...Map.groupBy(handled, (key) => key)
      .values()
      .map(({ length }) => length),
  );
}

describe('the encode queue between processes', () => {
  it('handles each of 20 keys once for 200 requests of two producers, shared by two consumers', async () => {
    await using redis = await RedisPlace.start();
    const hundred = Array.from({ length: 5 }, () => names(20)).flat();
    await using one = await TestProcess.producer({ ...redis.place, names: hundred });
    await using two = await TestProcess.producer({ ...redis.place, names: hundred });
    const limits = { ...LIMITS, maxJobs: 2 };
    await using left = await TestProcess.consumer({ ...redis.place, limits, locks: SHORT_LOCKS });
    await using right = await TestProcess.consumer({ ...redis.place, limits, locks: SHORT_LOCKS });
    await expect.poll(() => one.answers.length + two.answers.length, { timeout: 10_000 }).toBe(200);
    expect([...one.answers, ...two.answers]).not.toContain(false);
    await expect.poll(() => [...left.handled, ...right.handled].toSorted()).toEqual(keys(20).toSorted());
  });

  it('answers every request when a consumer is killed in the middle, handling no key more than twice', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer();
    const options = { ...redis.place, limits: LIMITS, locks: SHORT_LOCKS };
    await using doomed = await TestProcess.consumer({ ...options, holds: true });
    const outcomes = names(40).map((name) => producer.encode(jobOf(name)));
    await expect.poll(() => doomed.handled.length).toBeGreaterThan(0);
    await using heir = await TestProcess.consumer(options);
    await doomed.kill();
    expect(await Promise.all(outcomes)).toMatchObject(names(40).map(() => DONE));
    await expect.poll(() => new Set(heir.handled)).toEqual(new Set(keys(40)));
    expect(mostHandlings([...doomed.handled, ...heir.handled])).toBe(2);
  });

  it('gives a picture up that takes one consumer after the other along', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer();
    const options = { ...redis.place, limits: LIMITS, locks: SHORT_LOCKS, holds: true };
    const outcome = producer.encode(jobOf('poison'));
    for (const _ of [1, 2]) {
      await using victim = await TestProcess.consumer(options);
      await expect.poll(() => victim.handled.length, { timeout: 10_000 }).toBe(1);
    }
    await redis.consumer(answerAll, { locks: SHORT_LOCKS });
    expect(await outcome).toMatchObject({ ok: false, error: { code: 'inference_failed' } });
    expect(redis.recorder.stalled).toBe(1);
  });

  it('answers once when a consumer stands still for longer than its lock, and its job goes to another', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer();
    const options = { ...redis.place, limits: LIMITS, locks: SHORT_LOCKS };
    await using still = await TestProcess.consumer({ ...options, blockMs: 6_000 });
    const outcome = producer.encode(jobOf('cat'));
    await expect.poll(() => still.handled.length).toBe(1);
    await using other = await TestProcess.consumer(options);
    expect(await outcome).toMatchObject(DONE);
    await expect.poll(() => other.handled).toEqual([jobOf('cat').key]);
    // The first comes back to a job that is gone, and goes on with the next.
    await other.kill();
    expect(await producer.encode(jobOf('dog'))).toMatchObject(DONE);
    await expect.poll(() => still.handled).toEqual([jobOf('cat').key, jobOf('dog').key]);
    expect(redis.recorder.answers).toEqual(['ok', 'ok']);
  });

  it('keeps a job for those who wait in one process when those in another have left', async () => {
    await using redis = await RedisPlace.start();
    const [here, there] = [await redis.producer(), await redis.producer()];
    const leaving = new AbortController();
    const gone = here.encode(jobOf('shared'), leaving.signal);
    await expect.poll(() => redis.recorder.added).toBe(1);
    const stays = there.encode(jobOf('shared'));
    await expect.poll(() => redis.recorder.added).toBe(2);
    leaving.abort(new Error('closed the tab'));
    await expect(gone).rejects.toThrow('closed the tab');
    await redis.consumer(answerAll);
    expect(await stays).toMatchObject(DONE);
    expect(redis.recorder).toMatchObject({ coalesced: 1, dropped: [] });
  });

  it('drops a job, fetched or not, when those in all processes have left', async () => {
    await using redis = await RedisPlace.start();
    const [here, there] = [await redis.producer(), await redis.producer()];
    const handler = new HeldHandler();
    await redis.consumer(handler.handle, { limits: { ...LIMITS, maxJobs: 1 } });
    const first = here.encode(jobOf('first'));
    await handler.batch(1);
    const leaving = new AbortController();
    const all = [here, there].flatMap((producer) =>
      ['fetched', 'queued'].map((name) => producer.encode(jobOf(name), leaving.signal)),
    );
    await expect.poll(() => redis.recorder.added).toBe(5);
    expect((await there.backlog()).jobs).toBe(2);
    leaving.abort();
    await Promise.allSettled(all);
    await expect.poll(async () => (await there.backlog()).jobs).toBe(0);
    handler.release();
    await first;
    const last = there.encode(jobOf('last'));
    await handler.batch(2);
    handler.release();
    expect(await last).toMatchObject(DONE);
    expect(handler.batches).toEqual([['first'], ['last']]);
    expect(redis.recorder.dropped).toEqual(['abandoned', 'abandoned']);
  });
});

describe('the encode queue when some leave while others come', () => {
  it('answers who stays, without waiting for another look at the job', async () => {
    await using redis = await RedisPlace.start();
    const [here, there] = [await redis.producer({ recheckMs: 60_000 }), await redis.producer({ recheckMs: 60_000 })];
    await redis.consumer(answerAll, { limits: { ...LIMITS, maxJobs: 2 } });
    const meet = async (name: string, turns: number) => {
      const leaving = new AbortController();
      const left = Promise.allSettled([here.encode(jobOf(name), leaving.signal)]);
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      leaving.abort();
      const outcome = await there.encode(jobOf(name, { deadlineMs: Date.now() + 8_000 }));
      await left;
      return outcome;
    };
    const outcomes = await Promise.all(names(400).map((name, index) => meet(name, index % 40)));
    expect(outcomes).toMatchObject(outcomes.map(() => DONE));
  });
});

describe('the encode queue on a Redis that fails', () => {
  it('answers what waited when Redis is restarted and keeps its jobs', async () => {
    await using redis = await RedisPlace.start({ appendonly: true });
    const producer = await redis.producer();
    const outcomes = names(10).map((name) => producer.encode(jobOf(name)));
    await expect.poll(async () => (await producer.backlog()).jobs).toBe(10);
    await redis.server.restart();
    await redis.consumer(answerAll);
    expect(await Promise.all(outcomes)).toMatchObject(names(10).map(() => DONE));
    expect(redis.recorder).toMatchObject({ added: 10, handled: names(10).map(() => 'ok') });
  });

  it('adds what waited again when Redis is restarted and has lost it, to consumers that were there before', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer({ recheckMs: 200 });
    const handler = new HeldHandler();
    await redis.consumer(handler.handle, { limits: { ...LIMITS, maxJobs: 1 } });
    const outcomes = names(10).map((name) => producer.encode(jobOf(name)));
    await handler.batch(1);
    await redis.server.restart();
    let answered = false;
    const all = Promise.all(outcomes).finally(() => {
      answered = true;
    });
    const goOn = (): boolean => {
      handler.release();
      return answered;
    };
    await expect.poll(goOn, { timeout: 20_000, interval: 5 }).toBe(true);
    expect(await all).toMatchObject(names(10).map(() => DONE));
  });

  it('answers what came before and during a stop of Redis of 5 s', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer();
    await redis.consumer(answerAll, { locks: SHORT_LOCKS });
    const before = names(20).map((name) => producer.encode(jobOf(name)));
    await before[0];
    redis.server.pause();
    setTimeout(() => redis.server.resume(), 5_000);
    const during = ['during', 'and after'].map((name) => producer.encode(jobOf(name)));
    const outcomes = await Promise.all([...before, ...during]);
    expect(outcomes).toMatchObject(outcomes.map(() => DONE));
    expect(redis.recorder.answers).toHaveLength(22);
  });

  it('gives up what waits in a Redis that stays away, but for what is in the cache, and what comes then at once', async () => {
    await using redis = await RedisPlace.start();
    const findEmbedding = async (key: string) => (key === jobOf('found').key ? 81 : undefined);
    const producer = await redis.producer({ unavailableAfterMs: 300, findEmbedding });
    const patient = await redis.producer({ unavailableAfterMs: 60_000 });
    const outcomes = ['found', 'lost'].map((name) => producer.encode(jobOf(name)));
    const kept = patient.encode(jobOf('kept'));
    await expect.poll(async () => (await producer.backlog()).jobs).toBe(3);
    await redis.server.kill();
    const unavailable = { ok: false, error: { code: 'unavailable' } };
    expect(await Promise.all(outcomes)).toMatchObject([{ ok: true, tokens: 81 }, unavailable]);
    expect(await producer.encode(jobOf('late'))).toMatchObject(unavailable);
    await redis.server.restart();
    await redis.consumer(answerAll);
    expect(await kept).toMatchObject(DONE);
    await expect.poll(() => producer.encode(jobOf('afterwards'))).toMatchObject(DONE);
  });

  it('is unavailable while Redis is away, and can be closed all the same', async () => {
    await using redis = await RedisPlace.start();
    const producer = await redis.producer({ unavailableAfterMs: 100 });
    const consumer = await redis.consumer(answerAll);
    await redis.server.kill();
    expect(await producer.encode(jobOf('cat'))).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    await expect(producer.backlog()).rejects.toMatchObject({ code: 'unavailable' });
    await Promise.all([producer.close(), consumer.close()]);
    expect(redis.recorder.failures.length).toBeGreaterThan(0);
  });
});
