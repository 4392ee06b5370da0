import { hash } from 'node:crypto';
import { EideticError, type EncodeHandler, type EncodeLimits, type EncodeProducer } from '@eidetic/core';
import { MemoryEncodeQueue, NO_OBSERVER, RedisEncodeConsumer, RedisEncodeProducer } from '@eidetic/encode-queue';
import { RedisServer } from '@eidetic/launcher';
import { percentile } from '@eidetic/load';
import type { Measurement } from '../report.ts';
import type { Suite } from '../suite.ts';

const LIMITS: EncodeLimits = { maxCost: 32, maxJobs: 32, maxInFlight: 2, lingerMs: 0 };
const IN_FLIGHT = [1, 64];

/** A queue with one consumer, whose handler answers at once: what is measured is what the queue adds. */
interface Subject extends AsyncDisposable {
  readonly name: string;
  /** Jobs of one round. */
  readonly jobs: number;
  readonly producer: EncodeProducer;
}

const answer: EncodeHandler = async (jobs) =>
  jobs.map(() => ({ ok: true, tokens: 64, timings: { decodeMs: 0, preprocessMs: 0, encodeMs: 0, encodeShareMs: 0 } }));

/** What the encode queue adds to the time of a picture, and how many jobs pass it, with producer and consumer in one process. */
export const encodeQueueSuite: Suite = {
  name: 'encode-queue',
  async run({ rounds }) {
    await using started = new AsyncDisposableStack();
    const subjects = [started.use(memorySubject()), started.use(await redisSubject())];
    const measurements: Measurement[] = [];
    for (const { name, jobs, producer } of subjects) {
      for (const inFlight of IN_FLIGHT) {
        await pass(producer, jobs, inFlight);
        const taken = [];
        for (let round = 1; round <= rounds; round++) taken.push(await pass(producer, jobs, inFlight));
        const measurement = (what: string, better: Measurement['better'], samples: readonly number[]): Measurement => ({
          contender: name,
          metric: `${inFlight} in flight, ${what}`,
          better,
          samples,
        });
        for (const share of [0.5, 0.99]) {
          const samples = taken.map(({ latenciesMs }) => percentile(latenciesMs, share));
          measurements.push(measurement(`p${share * 100} ms`, 'lower', samples));
        }
        const rates = taken.map(({ totalMs }) => (1_000 * jobs) / totalMs);
        measurements.push(measurement('jobs/s', 'higher', rates));
      }
    }
    const facts = { 'jobs of a batch, at most': LIMITS.maxJobs, 'batches in flight, at most': LIMITS.maxInFlight };
    return {
      name: 'encode-queue',
      title: 'Encode queue, from request to answer, encoding left out',
      facts,
      measurements,
    };
  },
};

function memorySubject(): Subject {
  const producer = new MemoryEncodeQueue({ observer: NO_OBSERVER });
  producer.consume(answer, LIMITS);
  return { name: 'memory', jobs: 20_000, producer, [Symbol.asyncDispose]: () => producer.close() };
}

async function redisSubject(): Promise<Subject> {
  const server = await RedisServer.start();
  const options = { url: server.url, prefix: '{bench}', observer: NO_OBSERVER };
  const producer = await RedisEncodeProducer.open({ ...options, findEmbedding: async () => undefined });
  const consumer = await RedisEncodeConsumer.open({ ...options, handler: answer, limits: LIMITS });
  return {
    name: 'BullMQ on Redis',
    jobs: 3_000,
    producer,
    async [Symbol.asyncDispose]() {
      await consumer.close();
      await producer.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Milliseconds of each of `count` requests, `inFlight` of which are under way at any time, and of all together. */
async function pass(producer: EncodeProducer, count: number, inFlight: number) {
  const latenciesMs: number[] = [];
  let next = 0;
  const startMs = performance.now();
  const client = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      const imageId = hash('sha256', String(next), 'hex');
      const sentMs = performance.now();
      const deadlineMs = Date.now() + 60_000;
      const job = { key: `bench:${imageId}`, imageId, scope: 'bench', priority: 0, deadlineMs, cost: 1 };
      const outcome = await producer.encode(job);
      if (!outcome.ok) throw new EideticError('internal', 'A request was not answered.', { cause: outcome.error });
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  return { latenciesMs, totalMs: performance.now() - startMs };
}
