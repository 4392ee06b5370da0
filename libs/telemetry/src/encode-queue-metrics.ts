import type { EncodeBacklog, EncodeDropReason, EncodeQueueObserver, ErrorCode } from '@eidetic/core';
import { Counter, Histogram } from 'prom-client';
import { BATCH_COST_BUCKETS, BATCH_IMAGES_BUCKETS, QUEUE_BUCKETS } from './buckets.ts';
import { EncodePace } from './encode-pace.ts';
import { registerBacklog } from './queue-backlog.ts';
import type { Registry } from './registry.ts';

/** Metrics of a process that puts pictures into an encode queue, or takes them out: the observer that it reports to, and the backlog. */
export interface EncodeQueueMetrics extends EncodeQueueObserver {
  /**
   * From now on every scrape reads what waits in the queue; if there is no answer within a second, it goes without. Once per
   * registry.
   */
  observeBacklog(read: () => Promise<EncodeBacklog>): void;
}

/** Ends that are there from the start: a rate misses the step from no series to 1. */
const USUAL_ENDS: readonly ('ok' | ErrorCode)[] = ['ok', 'invalid_image', 'unavailable'];
const DROPS: readonly EncodeDropReason[] = ['expired', 'abandoned', 'malformed'];

const createRequestMetrics = (registers: Registry[]) => ({
  requests: new Counter({
    name: 'eidetic_encode_queue_requests_total',
    help: 'Pictures that this process asked the queue for: queued, or coalesced with a request for the same picture that was there already.',
    labelNames: ['outcome'],
    registers,
  }),
  answered: new Counter({
    name: 'eidetic_encode_queue_answered_total',
    help: 'Pictures that this process asked the queue for, by how that ended: ok, or the code of the error.',
    labelNames: ['outcome'],
    registers,
  }),
  request: new Histogram({
    name: 'eidetic_encode_queue_request_seconds',
    help: 'From the request of this process for a picture to its answer: wait, transfer and encoding.',
    buckets: QUEUE_BUCKETS,
    registers,
  }),
});

const createBatchMetrics = (registers: Registry[]) => ({
  wait: new Histogram({
    name: 'eidetic_encode_queue_wait_seconds',
    help: 'Time that a picture waited until this process gave it to an encoder.',
    buckets: QUEUE_BUCKETS,
    registers,
  }),
  batchJobs: new Histogram({
    name: 'eidetic_encode_queue_batch_jobs',
    help: 'Pictures that this process gave to an encoder together.',
    buckets: BATCH_IMAGES_BUCKETS,
    registers,
  }),
  batchCost: new Histogram({
    name: 'eidetic_encode_queue_batch_cost',
    help: 'What the pictures of one batch cost together, in rows of embeddings.',
    buckets: BATCH_COST_BUCKETS,
    registers,
  }),
  handled: new Counter({
    name: 'eidetic_encode_queue_handled_total',
    help: 'Pictures that this process gave to an encoder, by how that ended for good: ok, or the code of the error.',
    labelNames: ['outcome'],
    registers,
  }),
});

const createTroubleMetrics = (registers: Registry[]) => ({
  retried: new Counter({
    name: 'eidetic_encode_queue_retries_total',
    help: 'Pictures that go to an encoder once more, by the code of the error.',
    labelNames: ['outcome'],
    registers,
  }),
  stalled: new Counter({
    name: 'eidetic_encode_queue_stalled_total',
    help: 'Pictures whose process stopped renewing its claim, and that another gets.',
    registers,
  }),
  dropped: new Counter({
    name: 'eidetic_encode_queue_dropped_total',
    help: 'Pictures that were given up, in the queue or at an encoder: expired (deadline), abandoned (nobody waits any more), malformed.',
    labelNames: ['reason'],
    registers,
  }),
  failures: new Counter({
    name: 'eidetic_encode_queue_failures_total',
    help: "Calls of the queue's server that failed.",
    registers,
  }),
});

/** Registers the metrics of an encode queue. */
export const createEncodeQueueMetrics = (registry: Registry): EncodeQueueMetrics => {
  const { requests, answered, request } = createRequestMetrics([registry]);
  const { wait, batchJobs, batchCost, handled } = createBatchMetrics([registry]);
  const { retried, stalled, dropped, failures } = createTroubleMetrics([registry]);
  const pace = new EncodePace();
  const queued = requests.labels({ outcome: 'queued' });
  const coalesced = requests.labels({ outcome: 'coalesced' });
  for (const counter of [queued, coalesced]) counter.inc(0);
  for (const outcome of USUAL_ENDS) {
    answered.inc({ outcome }, 0);
    handled.inc({ outcome }, 0);
  }
  for (const reason of DROPS) dropped.inc({ reason }, 0);
  retried.inc({ outcome: 'unavailable' }, 0);
  return {
    added: (one) => (one.coalesced ? coalesced : queued).inc(),
    answered: ({ outcome, durationMs }) => {
      answered.inc({ outcome });
      request.observe(durationMs / 1000);
    },
    dispatched: ({ jobs, cost, queueMs }) => {
      batchJobs.observe(jobs);
      batchCost.observe(cost);
      for (const ms of queueMs) wait.observe(ms / 1000);
    },
    encoded: (work) => pace.add(work),
    handled: ({ outcome }) => handled.inc({ outcome }),
    retried: ({ code }) => retried.inc({ outcome: code }),
    stalled: () => stalled.inc(),
    dropped: ({ reason }) => dropped.inc({ reason }),
    failed: () => failures.inc(),
    observeBacklog: (read) => registerBacklog(registry, read, pace),
  };
};
