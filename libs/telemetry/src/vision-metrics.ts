import type { ErrorCode } from '@eidetic/core';
import { Counter, Gauge, Histogram } from 'prom-client';
import { BATCH_IMAGES_BUCKETS, ENCODE_BUCKETS } from './buckets.ts';
import type { Registry } from './registry.ts';

/** Metrics of a vision service, beside those of its encoder. */
export interface VisionMetrics {
  /** What became of a picture. */
  finished(outcome: 'encoded' | 'cached' | ErrorCode): void;
  /** Whether its embedding was there already. */
  lookedUp(outcome: 'hit' | 'miss'): void;
  /** Time around the stages that the encoder measures. */
  stage(stage: 'queue' | 'cache_write', durationMs: number): void;
  /** A run of the graph. */
  batch(images: number, durationMs: number): void;
  /** From now on every scrape reads how busy the encoder is. Once per registry: before, nothing is said about its load. */
  observeLoad(read: () => { readonly running: number; readonly waiting: number }): void;
}

/** Ends that are there from the start: a rate misses the step from no series to 1. */
const USUAL_ENDS = ['encoded', 'cached', 'invalid_image', 'image_missing', 'overloaded', 'cancelled'] as const;

const registerLoad = (registers: Registry[], read: Parameters<VisionMetrics['observeLoad']>[0]): void => {
  new Gauge({
    name: 'eidetic_vision_images_running',
    help: 'Pictures in the run of the vision graph.',
    registers,
    collect() {
      this.set(read().running);
    },
  });
  new Gauge({
    name: 'eidetic_vision_images_waiting',
    help: 'Pictures before or after the run of the vision graph: being looked up, fetched, decoded or written, or waiting.',
    registers,
    collect() {
      this.set(read().waiting);
    },
  });
};

/** Registers the metrics of a vision service. */
export const createVisionMetrics = (registry: Registry): VisionMetrics => {
  const registers = [registry];
  const finished = new Counter({
    name: 'eidetic_vision_images_finished_total',
    help: 'Pictures by what became of them: encoded, cached (the embedding was there already), or the code of the error.',
    labelNames: ['outcome'],
    registers,
  });
  const lookups = new Counter({
    name: 'eidetic_vision_cache_lookups_total',
    help: 'Pictures by whether their embedding was there before they were decoded: hit or miss.',
    labelNames: ['outcome'],
    registers,
  });
  const around = new Histogram({
    name: 'eidetic_vision_around_seconds',
    help: 'Time of one picture around its stages in the encoder: queue (waiting for a thread that decodes and for a batch), cache_write (into the shared cache).',
    labelNames: ['stage'],
    buckets: ENCODE_BUCKETS,
    registers,
  });
  const batch = new Histogram({
    name: 'eidetic_vision_batch_images',
    help: 'Pictures that one run of the vision graph took; the rate of its count is runs a second.',
    buckets: BATCH_IMAGES_BUCKETS,
    registers,
  });
  const busy = new Counter({
    name: 'eidetic_vision_busy_seconds_total',
    help: 'Time of the runs of the vision graph; its rate is the share of the time in which the encoder computes.',
    registers,
  });
  for (const outcome of USUAL_ENDS) finished.inc({ outcome }, 0);
  for (const outcome of ['hit', 'miss']) lookups.inc({ outcome }, 0);
  for (const stage of ['queue', 'cache_write']) around.zero({ stage });
  return {
    finished: (outcome) => finished.inc({ outcome }),
    lookedUp: (outcome) => lookups.inc({ outcome }),
    stage: (stage, durationMs) => around.observe({ stage }, durationMs / 1000),
    batch: (images, durationMs) => {
      batch.observe(images);
      busy.inc(durationMs / 1000);
    },
    observeLoad: (read) => registerLoad(registers, read),
  };
};
