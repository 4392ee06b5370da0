import type { EncodeBacklog } from '@eidetic/core';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { scrape } from '../test/scrape.ts';
import { createEncodeQueueMetrics, type EncodeQueueMetrics } from './encode-queue-metrics.ts';
import { emptyRegistry, type Registry } from './registry.ts';

const GAUGES = [
  'waiting_jobs',
  'waiting_cost',
  'encoding_jobs',
  'encoding_cost',
  'oldest_seconds',
  'backlog_seconds',
].map((name) => `eidetic_encode_queue_${name} `);
const NONE = { jobs: 0, cost: 0 };

let registry: Registry;
let metrics: EncodeQueueMetrics;

beforeEach(() => {
  registry = emptyRegistry();
  metrics = createEncodeQueueMetrics(registry);
});

it('counts requests and what became of them, the usual ends from the start', async () => {
  metrics.added({ coalesced: false });
  metrics.added({ coalesced: true });
  metrics.added({ coalesced: true });
  metrics.answered({ outcome: 'ok', durationMs: 500 });
  metrics.answered({ outcome: 'deadline_exceeded', durationMs: 1500 });
  metrics.handled({ outcome: 'ok' });
  metrics.retried({ code: 'unavailable' });
  metrics.dropped({ reason: 'expired' });
  metrics.stalled();
  metrics.failed(new Error('Connection lost.'));
  const lines = await scrape(registry, 'eidetic_encode_queue_');
  expect(lines).toContain('eidetic_encode_queue_answered_total{outcome="invalid_image"} 0');
  expect(lines.filter((line) => /_(total|sum)\b/.test(line) && !line.endsWith(' 0'))).toEqual([
    'eidetic_encode_queue_requests_total{outcome="queued"} 1',
    'eidetic_encode_queue_requests_total{outcome="coalesced"} 2',
    'eidetic_encode_queue_answered_total{outcome="ok"} 1',
    'eidetic_encode_queue_answered_total{outcome="deadline_exceeded"} 1',
    'eidetic_encode_queue_request_seconds_sum 2',
    'eidetic_encode_queue_handled_total{outcome="ok"} 1',
    'eidetic_encode_queue_retries_total{outcome="unavailable"} 1',
    'eidetic_encode_queue_stalled_total 1',
    'eidetic_encode_queue_dropped_total{reason="expired"} 1',
    'eidetic_encode_queue_failures_total 1',
  ]);
});

it('measures the wait of each picture, and how many went together', async () => {
  metrics.dispatched({ jobs: 2, cost: 128, queueMs: [250, 500] });
  const sums = ['wait_seconds', 'batch_jobs', 'batch_cost'].map((name) => `eidetic_encode_queue_${name}_sum`);
  expect(await scrape(registry, ...sums)).toEqual([`${sums[0]} 0.75`, `${sums[1]} 2`, `${sums[2]} 128`]);
});

it('tells the backlog in seconds of encoding, what is at encoders included, at the pace of the last batches', async () => {
  metrics.encoded({ cost: 128, encodeMs: 64 });
  metrics.observeBacklog(async () => ({ jobs: 3, cost: 640, handled: { jobs: 2, cost: 128 }, oldestMs: 2500 }));
  expect(await scrape(registry, ...GAUGES)).toEqual(
    [3, 640, 2, 128, 2.5, 0.384].map((value, i) => `${GAUGES[i]}${value}`),
  );
});

it('does not call a backlog of unknown pace empty', async () => {
  metrics.observeBacklog(async () => ({ jobs: 1, cost: 64, handled: NONE, oldestMs: 0 }));
  expect(await scrape(registry, ...GAUGES)).toEqual([1, 64, 0, 0, 0].map((value, i) => `${GAUGES[i]}${value}`));
});

it('looks once for all its gauges, and anew in every scrape', async () => {
  let looks = 0;
  metrics.observeBacklog(async () => {
    looks += 1;
    return { jobs: looks, cost: 0, handled: NONE, oldestMs: 0 };
  });
  expect(await scrape(registry, 'eidetic_encode_queue_waiting_jobs ')).toEqual(['eidetic_encode_queue_waiting_jobs 1']);
  expect(await scrape(registry, 'eidetic_encode_queue_waiting_jobs ')).toEqual(['eidetic_encode_queue_waiting_jobs 2']);
});

it('leaves out what waits when the queue fails, though it was known before', async () => {
  let backlog: () => Promise<EncodeBacklog> = async () => ({ jobs: 1, cost: 64, handled: NONE, oldestMs: 0 });
  metrics.observeBacklog(() => backlog());
  expect(await scrape(registry, ...GAUGES)).toHaveLength(5);
  backlog = () => Promise.reject(new Error('Connection lost.'));
  expect(await scrape(registry, ...GAUGES)).toEqual([]);
});

it('does not wait for a queue that hangs, nor asks it again until it has answered', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let looks = 0;
  const answer = Promise.withResolvers<EncodeBacklog>();
  metrics.observeBacklog(() => {
    looks += 1;
    return answer.promise;
  });
  for (const _ of [1, 2]) {
    const lines = scrape(registry, ...GAUGES);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await lines).toEqual([]);
  }
  expect(looks).toBe(1);
  answer.resolve({ jobs: 0, cost: 0, handled: NONE, oldestMs: 0 });
  await vi.advanceTimersByTimeAsync(0);
  expect(await scrape(registry, ...GAUGES)).toHaveLength(5);
  expect(looks).toBe(2);
});
