import type { FetchRefusal, ImageFetchObserver } from '@eidetic/core';
import { Counter } from 'prom-client';
import type { Registry } from './registry.ts';

const REFUSALS: readonly FetchRefusal[] = [
  'url',
  'host',
  'port',
  'address',
  'redirect',
  'unreachable',
  'status',
  'encoding',
  'format',
  'size',
  'timeout',
  'overloaded',
  'cancelled',
  'internal',
];

/** Registers the metrics of pictures behind URLs, and gives the observer of what fetches them. */
export const createImageFetchMetrics = (registry: Registry): ImageFetchObserver => {
  const registers = [registry];
  const fetches = new Counter({
    name: 'eidetic_image_fetches_total',
    help: 'Pictures behind URLs by what became of them: fetched; refused by policy (url, host, port, address, redirect); or unreachable, status (not 200), encoding, format (no picture), size, timeout, overloaded, cancelled, internal.',
    labelNames: ['outcome'],
    registers,
  });
  const bytes = new Counter({
    name: 'eidetic_image_fetched_bytes_total',
    help: 'Bytes of pictures that were fetched whole.',
    registers,
  });
  for (const outcome of ['fetched', ...REFUSALS]) fetches.inc({ outcome }, 0);
  return {
    fetched: (sizeBytes) => {
      fetches.inc({ outcome: 'fetched' });
      bytes.inc(sizeBytes);
    },
    refused: (outcome) => fetches.inc({ outcome }),
  };
};
