import { EideticError, type EncodeOutcome, type EncodeQueueObserver } from '@eidetic/core';
import { blockingConnection, closeInTime } from '@eidetic/durable-redis';
import { type Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { QUEUE_NAME } from './redis-names.ts';
import { readStoredOutcome } from './stored-outcome.ts';

/** Told of every job of the queue, whoever added it. */
interface OutcomeListener {
  readonly ended: (key: string, outcome: EncodeOutcome) => void;
  /** The job was dropped or removed without an outcome. */
  readonly lost: (key: string) => void;
}

/** News of jobs, from Redis. */
export interface OutcomeEvents {
  listen(listener: OutcomeListener): void;
  close(): Promise<void>;
}

/**
 * Follows the queue's stream of events from now on. After a lost connection it goes on where it was, unless so many came
 * meanwhile (10,000) that Redis has forgotten some.
 */
export async function openOutcomeEvents(
  redis: Redis,
  queue: Queue,
  { url, prefix, observer }: { url: string; prefix: string; observer: EncodeQueueObserver },
): Promise<OutcomeEvents> {
  // Not from "$", BullMQ's default: each read that comes back empty would start anew from "now", and miss what came in between.
  const [last] = await redis.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1);
  const events = new QueueEvents(QUEUE_NAME, {
    connection: blockingConnection(url),
    prefix,
    lastEventId: last?.[0] ?? '0-0',
  });
  events.on('error', (error) => observer.failed(error));
  await events.waitUntilReady();
  return {
    listen({ ended, lost }) {
      events.on('completed', ({ jobId, returnvalue }) => {
        const outcome = readStoredOutcome(returnvalue);
        if (outcome === 'dropped') lost(keyOf(jobId));
        else ended(keyOf(jobId), outcome);
      });
      events.on('failed', ({ jobId, failedReason }) => ended(keyOf(jobId), failure(failedReason)));
      events.on('removed', ({ jobId }) => lost(keyOf(jobId)));
    },
    close: () => closeInTime(() => events.close(), observer),
  };
}

/** Consumers complete jobs with whatever outcome; what fails has taken too many of them along, or is a defect of ours. */
function failure(reason: string): EncodeOutcome {
  const code = reason.includes('stalled') ? 'inference_failed' : 'internal';
  return { ok: false, error: new EideticError(code, `A picture was given up by the encode queue: ${reason}.`) };
}

function keyOf(jobId: string): string {
  try {
    return decodeURIComponent(jobId);
  } catch {
    // Not an id of ours: nobody waits for it.
    return jobId;
  }
}
