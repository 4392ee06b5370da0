import type { EncodeLimits } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobLine, MicroBatcher, type WaitingJob } from './micro-batcher.ts';

interface TestJob extends WaitingJob {
  readonly id: number;
  deadlineMs: number | undefined;
}

const LIMITS: EncodeLimits = { maxCost: 10, maxJobs: 4, maxInFlight: 1, lingerMs: 0 };

let nextId = 0;
const job = (parts: Partial<TestJob> = {}): TestJob => {
  nextId += 1;
  return { id: nextId, priority: 0, cost: 1, arrivedAtMs: 0, deadlineMs: Infinity, ...parts };
};

function batcherOf(limits: Partial<EncodeLimits>, ...jobs: readonly TestJob[]) {
  const line = new JobLine<TestJob>();
  for (const each of jobs) line.add(each);
  return { line, batcher: new MicroBatcher(line, { ...LIMITS, ...limits }) };
}

describe('MicroBatcher', () => {
  it('takes all that waits, and nothing more until it is handled', () => {
    const jobs = [job(), job(), job()];
    const { line, batcher } = batcherOf({}, ...jobs);
    expect(batcher.take(0)).toEqual({ batch: jobs, dropped: [] });
    const late = job();
    line.add(late);
    expect(batcher.take(0).batch).toEqual([]);
    batcher.done();
    expect(batcher.take(0).batch).toEqual([late]);
  });

  it('takes higher priorities first, and of one priority what came first', () => {
    const [low, first, second, high] = [job({ priority: -1 }), job(), job(), job({ priority: 5 })];
    expect(batcherOf({}, low, first, second, high).batcher.take(0).batch).toEqual([high, first, second, low]);
  });

  it('ends a batch before the job that would cost too much, though a smaller one behind it would fit', () => {
    const jobs = [job({ cost: 6 }), job({ cost: 5 }), job({ cost: 1 })];
    const { batcher } = batcherOf({ maxInFlight: 2 }, ...jobs);
    expect(batcher.take(0).batch).toEqual(jobs.slice(0, 1));
    expect(batcher.take(0).batch).toEqual(jobs.slice(1));
  });

  it('takes a job alone that costs more than a batch may', () => {
    const jobs = [job({ cost: 99 }), job()];
    expect(batcherOf({}, ...jobs).batcher.take(0).batch).toEqual(jobs.slice(0, 1));
  });

  it('lingers for company from the oldest arrival on, unless a batch is full', () => {
    const { line, batcher } = batcherOf({ lingerMs: 5 }, job({ arrivedAtMs: 100 }));
    expect(batcher.take(101)).toEqual({ batch: [], dropped: [], lookAgainAtMs: 105 });
    line.add(job({ arrivedAtMs: 104, cost: 3 }));
    expect(batcher.take(104).lookAgainAtMs).toBe(105);
    expect(batcher.take(105).batch).toHaveLength(2);
    batcher.done();
    line.add(job({ arrivedAtMs: 200, cost: 10 }));
    expect(batcher.take(200).batch).toHaveLength(1);
  });

  it('drops what expired and what nobody waits for, and says so, even when nobody is free', () => {
    const { line, batcher } = batcherOf({}, job());
    batcher.take(0);
    const expired = job({ deadlineMs: 50 });
    const abandoned = job({ deadlineMs: undefined });
    const alive = job({ deadlineMs: 51 });
    for (const each of [expired, abandoned, alive]) line.add(each);
    expect(batcher.take(50)).toEqual({
      batch: [],
      dropped: [
        { job: expired, reason: 'expired' },
        { job: abandoned, reason: 'abandoned' },
      ],
    });
    expect(line.jobs).toEqual([alive]);
  });

  const limits = fc.record({
    maxCost: fc.integer({ min: 1, max: 20 }),
    maxJobs: fc.integer({ min: 1, max: 6 }),
    maxInFlight: fc.integer({ min: 1, max: 3 }),
    lingerMs: fc.integer({ min: 0, max: 8 }),
  });
  const steps = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        priority: fc.integer({ min: -2, max: 2 }),
        cost: fc.integer({ min: 1, max: 25 }),
        lifeMs: fc.integer({ min: 1, max: 30 }),
      }),
      fc.record({ kind: fc.constant('leave' as const), index: fc.nat(20) }),
      fc.record({ kind: fc.constant('done' as const) }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 5 }) }),
    ),
    { maxLength: 60 },
  );

  it('keeps to its limits and order, idles only while it lingers, and loses nothing, whatever happens', () => {
    fc.assert(
      fc.property(limits, steps, (limits, steps) => {
        const { line, batcher } = batcherOf(limits);
        const added = new Set<TestJob>();
        const ended = new Set<TestJob>();
        let now = 0;
        let inFlight = 0;
        for (const step of steps) {
          if (step.kind === 'add') {
            const each = job({ ...step, arrivedAtMs: now, deadlineMs: now + step.lifeMs });
            added.add(each);
            line.add(each);
          } else if (step.kind === 'leave') {
            const leaving = line.jobs[step.index];
            if (leaving !== undefined) leaving.deadlineMs = undefined;
          } else if (step.kind === 'done' && inFlight > 0) {
            inFlight -= 1;
            batcher.done();
          } else if (step.kind === 'pass') {
            now += step.ms;
          }
          const { batch, dropped, lookAgainAtMs } = batcher.take(now);
          for (const each of [...batch, ...dropped.map(({ job }) => job)]) {
            expect(ended.has(each)).toBe(false);
            ended.add(each);
          }
          if (batch.length > 0) inFlight += 1;
          expect(batcher.inFlight).toBe(inFlight);
          expect(inFlight).toBeLessThanOrEqual(limits.maxInFlight);
          expect(batch.length).toBeLessThanOrEqual(limits.maxJobs);
          const cost = batch.reduce((sum, { cost }) => sum + cost, 0);
          if (batch.length > 1) expect(cost).toBeLessThanOrEqual(limits.maxCost);
          for (const { deadlineMs } of batch) expect(deadlineMs).toBeGreaterThan(now);
          for (const { job, reason } of dropped) {
            expect(reason).toBe(job.deadlineMs === undefined ? 'abandoned' : 'expired');
          }
          const [last, next] = [batch.at(-1), line.jobs[0]];
          if (last && next)
            expect(last.priority > next.priority || (last.priority === next.priority && last.id < next.id)).toBe(true);
          if (batch.length === 0 && line.jobs.length > 0 && batcher.hasRoom) {
            expect(lookAgainAtMs).toBe(Math.min(...line.jobs.map(({ arrivedAtMs }) => arrivedAtMs)) + limits.lingerMs);
            expect(lookAgainAtMs).toBeGreaterThan(now);
          }
          expect(new Set([...ended, ...line.jobs])).toEqual(added);
        }
      }),
    );
  });
});
