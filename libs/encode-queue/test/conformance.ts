import { once } from 'node:events';
import {
  EideticError,
  type EncodeConsumer,
  type EncodeHandler,
  type EncodeJob,
  type EncodeLimits,
  type EncodeProducer,
} from '@eidetic/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeldHandler } from './held-handler.ts';
import { ENCODED, jobOf, LIMITS } from './jobs.ts';
import type { Recorder } from './recorder.ts';

/** One queue, empty, whose jobs are tried up to 3 times. */
export interface TestQueue extends AsyncDisposable {
  readonly producer: EncodeProducer;
  readonly recorder: Recorder;
  consume(handler: EncodeHandler, limits: EncodeLimits): Promise<EncodeConsumer>;
  /** Resolves once consumers have taken notice of so many jobs that have not ended. */
  reached(jobs: number): Promise<void>;
}

const BAD = { ok: false, error: new EideticError('invalid_image', 'Not a picture.') } as const;
const DOWN = { ok: false, error: new EideticError('unavailable', 'The encoder restarts.') } as const;

/** What every adapter of the encode queue does. */
export function describeEncodeQueue(adapter: string, open: () => Promise<TestQueue>): void {
  let queue: TestQueue;
  beforeEach(async () => {
    queue = await open();
  });
  afterEach(async () => {
    await queue[Symbol.asyncDispose]();
  });

  /** Occupies the only place of a handler, so that what follows waits. */
  const occupy = async (limits: Partial<EncodeLimits> = {}) => {
    const handler = new HeldHandler();
    await queue.consume(handler.handle, { ...LIMITS, ...limits });
    const first = queue.producer.encode(jobOf('first'));
    await handler.batch(1);
    return { handler, first };
  };
  const waiting = (jobs: number) => expect.poll(async () => (await queue.producer.backlog()).jobs).toBe(jobs);

  describe(`an answer of the ${adapter} encode queue`, () => {
    it('says that the embedding is there, with rows and times', async () => {
      const seen: EncodeJob[] = [];
      await queue.consume(async (jobs) => {
        seen.push(...jobs);
        return jobs.map(() => ENCODED);
      }, LIMITS);
      const job = jobOf('cat', { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
      const outcome = await queue.producer.encode(job);
      expect(outcome).toMatchObject({ ok: true, tokens: 64, timings: { decodeMs: 1, preprocessMs: 2, encodeMs: 3 } });
      expect(seen).toEqual([{ ...job, deadlineMs: expect.closeTo(job.deadlineMs, -3) }]);
      expect(queue.recorder).toMatchObject({ added: 1, coalesced: 0, answers: ['ok'], handled: ['ok'] });
    });

    it('tells of the work behind it: the parts that its pictures had of runs, and only pictures that it took', async () => {
      const handler = new HeldHandler();
      await queue.consume(handler.handle, { ...LIMITS, maxJobs: 5, lingerMs: 60_000 });
      const names = ['a', 'b', 'c', 'cached', 'bad'];
      const outcomes = names.map((name) => queue.producer.encode(jobOf(name, { cost: 10 })));
      await handler.batch(1);
      const runsMs: Record<string, number> = { a: 20, b: 20, c: 7, cached: 0 };
      handler.release(({ scope }) => {
        const encodeMs = runsMs[scope];
        return encodeMs === undefined
          ? BAD
          : { ok: true, tokens: 64, timings: { decodeMs: 1, preprocessMs: 2, encodeMs, encodeShareMs: encodeMs / 4 } };
      });
      await Promise.all(outcomes);
      expect(queue.recorder.work).toEqual([{ cost: 30, encodeMs: 11.75 }]);
    });

    it('comes from one handling to all who ask for one key at the same time', async () => {
      const { handler, first } = await occupy();
      const outcomes = ['cat', 'first', 'cat', 'cat'].map((name) => queue.producer.encode(jobOf(name)));
      await waiting(1);
      handler.release();
      await handler.batch(2);
      handler.release();
      for (const outcome of [first, ...outcomes]) expect(await outcome).toMatchObject({ ok: true });
      expect(handler.batches).toEqual([['first'], ['cat']]);
      expect(queue.recorder).toMatchObject({ added: 5, coalesced: 3 });
    });

    it('comes from another handling once the first has ended, for the cache may have lost the embedding', async () => {
      let handlings = 0;
      await queue.consume(async () => {
        handlings += 1;
        return [ENCODED];
      }, LIMITS);
      for (const _ of [1, 2, 3]) expect(await queue.producer.encode(jobOf('cat'))).toMatchObject({ ok: true });
      expect(handlings).toBe(3);
    });

    it('is a typed error for a bad picture, tried once, and none for its neighbours', async () => {
      const handler = new HeldHandler();
      await queue.consume(handler.handle, { ...LIMITS, maxJobs: 3, lingerMs: 60_000 });
      const outcomes = ['good', 'bad', 'fine'].map((name) => queue.producer.encode(jobOf(name)));
      await handler.batch(1);
      handler.release(({ scope }) => (scope === 'bad' ? BAD : ENCODED));
      expect(await Promise.all(outcomes)).toMatchObject([{ ok: true }, { ok: false, error: BAD.error }, { ok: true }]);
      expect(queue.recorder.retried).toBe(0);
      expect(queue.recorder.handled.toSorted()).toEqual(['invalid_image', 'ok', 'ok']);
    });

    it('comes at the second try when the encoder was down at the first', async () => {
      const results = [DOWN, ENCODED];
      await queue.consume(async () => [results.shift() ?? BAD], LIMITS);
      expect(await queue.producer.encode(jobOf('cat'))).toMatchObject({ ok: true });
      expect(queue.recorder).toMatchObject({ retried: 1, handled: ['ok'] });
    });

    it('comes however often an encoder had no room for the picture and said when it has', async () => {
      const busy = new EideticError('overloaded', 'No room.', { details: { retryAfterMs: 10 } });
      let refusals = 6;
      await queue.consume(
        async (jobs) => jobs.map(() => (refusals-- > 0 ? { ok: false, error: busy } : ENCODED)),
        LIMITS,
      );
      expect(await queue.producer.encode(jobOf('cat'))).toMatchObject({ ok: true });
      expect(queue.recorder).toMatchObject({ retried: 6, handled: ['ok'] });
    });

    it('is the encoder being down once all tries are spent', async () => {
      await queue.consume(async () => [DOWN], LIMITS);
      expect(await queue.producer.encode(jobOf('cat'))).toMatchObject({ ok: false, error: DOWN.error });
      expect(queue.recorder).toMatchObject({ retried: 2, handled: ['unavailable'], answers: ['unavailable'] });
    });

    it('survives a handler that throws or forgets jobs', async () => {
      const handlers = [() => Promise.reject(new EideticError('inference_failed', 'Out of memory.')), async () => []];
      await queue.consume((jobs) => handlers.shift()?.() ?? Promise.resolve(jobs.map(() => ENCODED)), LIMITS);
      expect(await queue.producer.encode(jobOf('cat'))).toMatchObject({ ok: true });
      expect(queue.recorder.retried).toBe(2);
    });

    it('is a refusal for a job that is none', async () => {
      const encoding = queue.producer.encode(jobOf('cat', { cost: 0 }));
      await expect(encoding).rejects.toMatchObject({ code: 'invalid_request' });
    });
  });

  describe(`a batch of the ${adapter} encode queue`, () => {
    it('holds all that waits when the handler becomes free', async () => {
      const { handler, first } = await occupy();
      const names = ['a', 'b', 'c', 'd', 'e'];
      const outcomes = names.map((name) => queue.producer.encode(jobOf(name, { cost: 7 })));
      await queue.reached(6);
      handler.release();
      await handler.batch(2);
      expect(handler.batches[1]?.toSorted()).toEqual(names);
      handler.release();
      await Promise.all([first, ...outcomes]);
      expect(queue.recorder.batches).toMatchObject([
        { jobs: 1, cost: 1 },
        { jobs: 5, cost: 35 },
      ]);
    });

    it('keeps to its limits of cost and jobs, and the handler to that of batches', async () => {
      const handler = new HeldHandler();
      const limits = { maxCost: 10, maxJobs: 3, maxInFlight: 2, lingerMs: 0 };
      const costs = [4, 4, 4, 25, 1, 1, 1, 1, 9];
      const outcomes = costs.map((cost, index) =>
        queue.producer.encode(jobOf(String(index), { cost, priority: -index })),
      );
      await waiting(costs.length);
      await queue.consume(handler.handle, limits);
      for (let batch = 1; handler.batches.flat().length < costs.length; batch++) {
        await handler.batch(batch);
        expect(handler.batches.length).toBeLessThanOrEqual(batch + 1);
        handler.release();
      }
      for (const _ of handler.batches) handler.release();
      for (const outcome of await Promise.all(outcomes)) expect(outcome.ok).toBe(true);
      for (const { jobs, cost } of queue.recorder.batches) {
        expect(jobs).toBeLessThanOrEqual(3);
        if (jobs > 1) expect(cost).toBeLessThanOrEqual(10);
      }
    });

    it('takes higher priorities first, and of one priority what came first', async () => {
      const order = [
        ['low', -5],
        ['a', 0],
        ['b', 0],
        ['high', 5],
        ['c', 0],
      ] as const;
      const outcomes: Promise<unknown>[] = [];
      for (const [index, [name, priority]] of order.entries()) {
        outcomes.push(queue.producer.encode(jobOf(name, { priority })));
        await waiting(index + 1);
      }
      const names: string[] = [];
      await queue.consume(
        async (jobs) => {
          names.push(...jobs.map(({ scope }) => scope));
          return jobs.map(() => ENCODED);
        },
        { ...LIMITS, maxJobs: 1 },
      );
      await Promise.all(outcomes);
      expect(names).toEqual(['high', 'a', 'b', 'c', 'low']);
    });

    it('takes a job as early as the most urgent who waits for it', async () => {
      const outcomes = [queue.producer.encode(jobOf('bulk', { priority: -5 }))];
      await waiting(1);
      outcomes.push(queue.producer.encode(jobOf('other')));
      await waiting(2);
      outcomes.push(queue.producer.encode(jobOf('bulk', { priority: 5 })));
      await expect.poll(() => queue.recorder.coalesced).toBe(1);
      const names: string[] = [];
      await queue.consume(
        async (jobs) => {
          names.push(...jobs.map(({ scope }) => scope));
          return jobs.map(() => ENCODED);
        },
        { ...LIMITS, maxJobs: 1 },
      );
      await Promise.all(outcomes);
      expect(names).toEqual(['bulk', 'other']);
    });

    it('waits for company as long as it is told to', async () => {
      const handler = new HeldHandler();
      await queue.consume(handler.handle, { ...LIMITS, maxJobs: 3, lingerMs: 60_000 });
      const outcomes = ['a', 'b', 'c'].map((name) => queue.producer.encode(jobOf(name)));
      await handler.batch(1);
      expect(handler.batches[0]?.toSorted()).toEqual(['a', 'b', 'c']);
      handler.release();
      await Promise.all(outcomes);
    });
  });

  describe(`those who wait for the ${adapter} encode queue`, () => {
    it('leave with the reason of their signal, and with the last of them the job', async () => {
      const { handler, first } = await occupy();
      const leaving = [new AbortController(), new AbortController(), new AbortController()];
      const [gone, left, right] = leaving.map(({ signal }, index) =>
        queue.producer.encode(jobOf(index === 0 ? 'gone' : 'shared'), signal),
      );
      const stays = queue.producer.encode(jobOf('shared'));
      await waiting(2);
      for (const controller of leaving) controller.abort(new Error('closed the tab'));
      for (const each of [gone, left, right]) await expect(each).rejects.toThrow('closed the tab');
      await waiting(1);
      handler.release();
      await handler.batch(2);
      handler.release();
      expect(await Promise.all([first, stays])).toMatchObject([{ ok: true }, { ok: true }]);
      expect(handler.batches).toEqual([['first'], ['shared']]);
      expect(queue.recorder.dropped).toEqual(['abandoned']);
    });

    it('are turned away when they had left before', async () => {
      const encoding = queue.producer.encode(jobOf('cat'), AbortSignal.abort(new Error('gone')));
      await expect(encoding).rejects.toThrow('gone');
      expect((await queue.producer.backlog()).jobs).toBe(0);
    });

    it('are answered at their deadline, and a job is dropped with the last one', async () => {
      const { handler, first } = await occupy();
      const soon = queue.producer.encode(jobOf('cat', { deadlineMs: Date.now() + 200 }));
      const expected = { ok: false, error: { code: 'deadline_exceeded' } };
      expect(await soon).toMatchObject(expected);
      await waiting(0);
      handler.release();
      await first;
      const last = queue.producer.encode(jobOf('last'));
      await handler.batch(2);
      handler.release();
      await last;
      expect(handler.batches).toEqual([['first'], ['last']]);
      expect(queue.recorder.dropped).toEqual(['expired']);
    });

    it('keep a job alive until the latest of their deadlines', async () => {
      const { handler, first } = await occupy();
      const soon = queue.producer.encode(jobOf('cat', { deadlineMs: Date.now() + 200 }));
      const later = queue.producer.encode(jobOf('cat'));
      expect(await soon).toMatchObject({ ok: false, error: { code: 'deadline_exceeded' } });
      handler.release();
      await handler.batch(2);
      handler.release();
      expect(await Promise.all([first, later])).toMatchObject([{ ok: true }, { ok: true }]);
      expect(queue.recorder.dropped).toEqual([]);
    });

    it('have the batch given up that a handler has, once the last of all who wait for its jobs has left', async () => {
      const handler = new HeldHandler();
      await queue.consume(handler.handle, { ...LIMITS, maxJobs: 2, lingerMs: 60_000 });
      const leaving = new AbortController();
      const deadlineMs = Date.now() + 1_000;
      const left = queue.producer.encode(jobOf('left'), leaving.signal);
      const soon = queue.producer.encode(jobOf('soon', { deadlineMs }));
      await handler.batch(1);
      leaving.abort(new Error('closed the tab'));
      await expect(left).rejects.toThrow('closed the tab');
      expect(await soon).toMatchObject({ ok: false, error: { code: 'deadline_exceeded' } });
      await expect.poll(() => queue.recorder.dropped.toSorted()).toEqual(['abandoned', 'expired']);
      expect(handler.givenUpAtMs).toHaveLength(1);
      expect(handler.givenUpAtMs[0]).toBeGreaterThanOrEqual(deadlineMs);
      expect((await queue.producer.backlog()).handled.jobs).toBe(0);
      const again = ['left', 'soon'].map((name) => queue.producer.encode(jobOf(name)));
      await handler.batch(2);
      handler.release();
      handler.release();
      expect(await Promise.all(again)).toMatchObject([{ ok: true }, { ok: true }]);
      expect(queue.recorder).toMatchObject({ retried: 0, handled: ['ok', 'ok'] });
    });

    it('are answered when they come while the batch is being given up', async () => {
      const [begun, givingUp, gone] = [1, 2, 3].map(() => Promise.withResolvers<void>());
      let handlings = 0;
      await queue.consume(async (jobs, signal) => {
        handlings += 1;
        if (handlings > 1) return jobs.map(() => ENCODED);
        begun?.resolve();
        await once(signal, 'abort');
        givingUp?.resolve();
        await gone?.promise;
        throw signal.reason;
      }, LIMITS);
      const leaving = new AbortController();
      const left = queue.producer.encode(jobOf('cat'), leaving.signal);
      await begun?.promise;
      leaving.abort(new Error('closed the tab'));
      await expect(left).rejects.toThrow('closed the tab');
      await givingUp?.promise;
      const late = queue.producer.encode(jobOf('cat'));
      await expect.poll(() => queue.recorder.added).toBe(2);
      gone?.resolve();
      expect(await late).toMatchObject({ ok: true });
      expect(handlings).toBe(2);
    });

    it('are told when the queue is closed, and so are those who come later', async () => {
      const encoding = queue.producer.encode(jobOf('cat'));
      await queue.producer.close();
      expect(await encoding).toMatchObject({ ok: false, error: { code: 'unavailable' } });
      expect(await queue.producer.encode(jobOf('cat'))).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    });
  });

  describe(`the ${adapter} encode queue`, () => {
    it('says what waits: jobs, cost, and since when', async () => {
      expect(await queue.producer.backlog()).toEqual({ jobs: 0, cost: 0, handled: { jobs: 0, cost: 0 }, oldestMs: 0 });
      const leaving = new AbortController();
      const sinceMs = Date.now();
      const outcomes = [3, 4, 5].map((cost) => queue.producer.encode(jobOf(`cost ${cost}`, { cost }), leaving.signal));
      await waiting(3);
      const backlog = await queue.producer.backlog();
      expect(backlog.cost).toBe(12);
      expect(backlog.oldestMs).toBeLessThanOrEqual(Date.now() - sinceMs);
      await expect.poll(async () => (await queue.producer.backlog()).oldestMs).toBeGreaterThan(backlog.oldestMs);
      leaving.abort();
      await Promise.allSettled(outcomes);
      await waiting(0);
    });

    it('says what handlers have, apart from what waits, until it has ended', async () => {
      const { handler, first } = await occupy({ maxJobs: 2 });
      const outcomes = [3, 4, 5].map((cost) => queue.producer.encode(jobOf(`cost ${cost}`, { cost })));
      await waiting(3);
      expect(await queue.producer.backlog()).toMatchObject({ jobs: 3, cost: 12, handled: { jobs: 1, cost: 1 } });
      handler.release();
      await handler.batch(2);
      await waiting(1);
      expect(await queue.producer.backlog()).toMatchObject({ jobs: 1, cost: 5, handled: { jobs: 2, cost: 7 } });
      handler.release();
      await handler.batch(3);
      handler.release();
      await Promise.all([first, ...outcomes]);
      const left = async () => (await queue.producer.backlog()).handled;
      await expect.poll(left).toEqual({ jobs: 0, cost: 0 });
    });

    it('lets a consumer go when it has ended what it had taken', async () => {
      const handler = new HeldHandler();
      const consumer = await queue.consume(handler.handle, LIMITS);
      const first = queue.producer.encode(jobOf('first'));
      await handler.batch(1);
      let released = false;
      const closed = consumer.close().then(() => released);
      await new Promise((resolve) => setImmediate(resolve));
      released = true;
      handler.release();
      expect(await closed).toBe(true);
      expect(await first).toMatchObject({ ok: true });
      const second = queue.producer.encode(jobOf('second'));
      await waiting(1);
      await queue.consume(async (jobs) => jobs.map(() => ENCODED), LIMITS);
      expect(await second).toMatchObject({ ok: true });
      expect(handler.batches).toEqual([['first']]);
    });

    it('hands nothing to a consumer that is paused, but to others, and to that one again afterwards', async () => {
      const [busy, other] = [new HeldHandler(), new HeldHandler()];
      const consumer = await queue.consume(busy.handle, LIMITS);
      const first = queue.producer.encode(jobOf('first'));
      await busy.batch(1);
      const fetched = queue.producer.encode(jobOf('fetched'));
      await waiting(1);
      consumer.pause();
      const late = queue.producer.encode(jobOf('late'));
      await waiting(2);
      busy.release();
      expect(await first).toMatchObject({ ok: true });
      const second = await queue.consume(other.handle, { ...LIMITS, lingerMs: 60_000, maxJobs: 2 });
      await other.batch(1);
      other.release();
      expect(await Promise.all([fetched, late])).toMatchObject([{ ok: true }, { ok: true }]);
      second.pause();
      const last = queue.producer.encode(jobOf('last'));
      await waiting(1);
      consumer.resume();
      await busy.batch(2);
      busy.release();
      expect(await last).toMatchObject({ ok: true });
      expect([busy.batches, other.batches.flat().toSorted()]).toEqual([
        [['first'], ['last']],
        ['fetched', 'late'],
      ]);
      await consumer.close();
      await second.close();
    });

    it('shares a burst of 1,000 between two consumers, each key once', async () => {
      const handled: string[] = [];
      const shares = [0, 0];
      for (const index of shares.keys()) {
        await queue.consume(async (jobs) => {
          handled.push(...jobs.map(({ key }) => key));
          shares[index] = (shares[index] ?? 0) + jobs.length;
          await new Promise((resolve) => setImmediate(resolve));
          return jobs.map(() => ENCODED);
        }, LIMITS);
      }
      const jobs = Array.from({ length: 1_000 }, (_, index) => jobOf(String(index)));
      const outcomes = await Promise.all(jobs.map((job) => queue.producer.encode(job)));
      expect(outcomes.every(({ ok }) => ok)).toBe(true);
      expect(handled.toSorted()).toEqual(jobs.map(({ key }) => key).toSorted());
      expect(Math.min(...shares)).toBeGreaterThan(0);
    });
  });
}
