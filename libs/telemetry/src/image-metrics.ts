import { Histogram } from 'prom-client';
import { ENCODE_BUCKETS } from './buckets.ts';
import type { Registry } from './registry.ts';

/** Metrics of a process that encodes pictures. */
export interface ImageMetrics {
  readonly encode: Histogram<'stage'>;
}

/** Registers the metrics of a vision encoder. */
export const createImageMetrics = (registry: Registry): ImageMetrics => ({
  encode: new Histogram({
    name: 'eidetic_image_encode_seconds',
    help: 'Time of one picture by stage: decode, preprocess, encode (the run of its batch).',
    labelNames: ['stage'],
    buckets: ENCODE_BUCKETS,
    registers: [registry],
  }),
});
