import type { EncodeBacklog } from '@eidetic/core';
import { Gauge } from 'prom-client';
import type { EncodePace } from './encode-pace.ts';
import type { Registry } from './registry.ts';

/** A queue that does not answer leaves its series out of the scrape, and does not hold up the rest of it. */
const READ_LIMIT_MS = 1000;

interface Read {
  readonly backlog: EncodeBacklog;
  readonly secondsPerCost: number | undefined;
}

/** One look for all gauges of a scrape, and none on top of one that hangs. Undefined when there is no answer in time. */
const sharedRead = (read: () => Promise<EncodeBacklog>, pace: EncodePace): (() => Promise<Read | undefined>) => {
  let looking: Promise<Read | undefined> | undefined;
  const look = async (): Promise<Read | undefined> => {
    try {
      return { backlog: await read(), secondsPerCost: pace.secondsPerCost };
    } catch {
      // The queue's observer is told of its failures; here they are series that are missing.
      return undefined;
    } finally {
      looking = undefined;
    }
  };
  return async () => {
    looking ??= look();
    const { promise: tooLate, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), READ_LIMIT_MS);
    const found = await Promise.race([looking, tooLate]);
    clearTimeout(timer);
    return found;
  };
};

const GAUGES: readonly { name: string; help: string; value: (read: Read) => number | undefined }[] = [
  {
    name: 'eidetic_encode_queue_waiting_jobs',
    help: 'Pictures in the queue that no encoder has taken yet.',
    value: ({ backlog }) => backlog.jobs,
  },
  {
    name: 'eidetic_encode_queue_waiting_cost',
    help: 'What encoding them costs, in rows of embeddings.',
    value: ({ backlog }) => backlog.cost,
  },
  {
    name: 'eidetic_encode_queue_encoding_jobs',
    help: 'Pictures of the queue that are at encoders, whichever process gave them there.',
    value: ({ backlog }) => backlog.handled.jobs,
  },
  {
    name: 'eidetic_encode_queue_encoding_cost',
    help: 'What encoding those costs, in rows of embeddings.',
    value: ({ backlog }) => backlog.handled.cost,
  },
  {
    name: 'eidetic_encode_queue_oldest_seconds',
    help: 'Time that the oldest of those that wait has waited; 0 if none waits.',
    value: ({ backlog }) => backlog.oldestMs / 1000,
  },
  {
    name: 'eidetic_encode_queue_backlog_seconds',
    help: 'Time of one encoder that the pictures take which wait or are at encoders: their cost times the seconds per unit of cost of the last batches that this process had encoded. Of the whole queue, like all of these: take the maximum of several processes, not the sum. Missing before the first batch.',
    value: ({ backlog, secondsPerCost }) =>
      secondsPerCost === undefined ? undefined : (backlog.cost + backlog.handled.cost) * secondsPerCost,
  },
];

/** Registers gauges of what waits in an encode queue that are read when they are scraped. */
export const registerBacklog = (registry: Registry, read: () => Promise<EncodeBacklog>, pace: EncodePace): void => {
  const look = sharedRead(read, pace);
  for (const { name, help, value } of GAUGES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const found = await look();
        const known = found && value(found);
        // An old number would let an autoscaler act on what is over, and 0 on what is not so.
        if (known === undefined) this.remove();
        else this.set(known);
      },
    });
  }
};
