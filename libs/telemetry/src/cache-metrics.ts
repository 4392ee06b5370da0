import type { CacheObserver, CacheReadOutcome, CacheWriteOutcome } from '@eidetic/core';
import { Counter, Histogram, type Registry } from 'prom-client';
import { CACHE_BUCKETS } from './buckets.ts';

/** What is kept: embeddings, or pictures as they were uploaded. */
export type MeasuredCache = 'embedding' | 'image';

const READS: readonly CacheReadOutcome[] = ['hit', 'miss', 'corrupt', 'foreign', 'timeout', 'unavailable', 'refused'];
const WRITES: readonly CacheWriteOutcome[] = ['stored', 'dropped', 'full', 'timeout', 'unavailable', 'refused'];

/** Registers the metrics of caches that processes share, and gives each of them the observer that it reports to. */
export const createCacheMetrics = (registry: Registry): ((cache: MeasuredCache) => CacheObserver) => {
  const registers = [registry];
  const reads = new Counter({
    name: 'eidetic_cache_reads_total',
    help: 'Look-ups in a shared cache (embedding, image) by how they ended: hit; or, all of them misses to the caller, miss, corrupt, foreign, timeout, unavailable, refused.',
    labelNames: ['cache', 'outcome'],
    registers,
  });
  const writes = new Counter({
    name: 'eidetic_cache_writes_total',
    help: 'Writes to a shared cache (embedding, image) by how they ended: stored, dropped (too many bytes on their way), full, timeout, unavailable, refused.',
    labelNames: ['cache', 'outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'eidetic_cache_call_seconds',
    help: 'Time of a look-up or write in a shared cache, whatever its outcome.',
    labelNames: ['cache', 'call'],
    buckets: CACHE_BUCKETS,
    registers,
  });
  return (cache) => {
    for (const outcome of READS) reads.inc({ cache, outcome }, 0);
    for (const outcome of WRITES) writes.inc({ cache, outcome }, 0);
    const [readSeconds, writeSeconds] = [
      seconds.labels({ cache, call: 'read' }),
      seconds.labels({ cache, call: 'write' }),
    ];
    return {
      read: ({ outcome, durationMs }) => {
        reads.inc({ cache, outcome });
        readSeconds.observe(durationMs / 1000);
      },
      write: ({ outcome, durationMs }) => {
        writes.inc({ cache, outcome });
        writeSeconds.observe(durationMs / 1000);
      },
    };
  };
};
