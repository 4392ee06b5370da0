import type { CacheObserver, CacheReadOutcome, CacheWriteOutcome } from '@eidetic/core';
import { Counter, Histogram } from 'prom-client';
import { CACHE_BUCKETS } from './buckets.ts';
import type { Registry } from './registry.ts';

/** What is kept: embeddings, or pictures as they were uploaded. */
export type MeasuredCache = 'embedding' | 'image';

/** Where it is kept: in the memory of the process, or in a Redis that several share. */
export type CacheTier = 'process' | 'redis';

const READS: readonly CacheReadOutcome[] = ['hit', 'miss', 'corrupt', 'foreign', 'timeout', 'unavailable', 'refused'];
/** Memory does not fail. */
const IN_MEMORY: readonly CacheReadOutcome[] = ['hit', 'miss'];
const WRITES: readonly CacheWriteOutcome[] = ['stored', 'dropped', 'full', 'timeout', 'unavailable', 'refused'];

/** Registers the metrics of caches, and gives each tier of each of them the observer that it reports to. */
export const createCacheMetrics = (registry: Registry): ((cache: MeasuredCache, tier?: CacheTier) => CacheObserver) => {
  const registers = [registry];
  const reads = new Counter({
    name: 'eidetic_cache_reads_total',
    help: 'Look-ups in a tier (process, redis) of a cache (embedding, image) by how they ended: hit; or, all of them misses to the caller, miss, corrupt, foreign, timeout, unavailable, refused.',
    labelNames: ['cache', 'tier', 'outcome'],
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
    help: 'Time of a look-up or write in a tier of a cache, whatever its outcome: of one in Redis, transfer and decoding included.',
    labelNames: ['cache', 'tier', 'call'],
    buckets: CACHE_BUCKETS,
    registers,
  });
  return (cache, tier = 'redis') => {
    for (const outcome of tier === 'redis' ? READS : IN_MEMORY) reads.inc({ cache, tier, outcome }, 0);
    if (tier === 'redis') for (const outcome of WRITES) writes.inc({ cache, outcome }, 0);
    const readSeconds = seconds.labels({ cache, tier, call: 'read' });
    const writeSeconds = seconds.labels({ cache, tier, call: 'write' });
    return {
      read: ({ outcome, durationMs }) => {
        reads.inc({ cache, tier, outcome });
        readSeconds.observe(durationMs / 1000);
      },
      write: ({ outcome, durationMs }) => {
        writes.inc({ cache, outcome });
        writeSeconds.observe(durationMs / 1000);
      },
    };
  };
};
