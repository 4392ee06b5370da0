import type { AccessObserver, LimiterFailure, RefusalReason } from '@eidetic/core';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from './registry.ts';

const REFUSALS: readonly RefusalReason[] = [
  'no_key',
  'unknown_key',
  'expired_key',
  'disabled_key',
  'rate',
  'concurrency',
];
const FAILURES: readonly LimiterFailure[] = ['timeout', 'unavailable', 'refused'];

/** Registers the metrics of who is let in, and gives the observer that counts. */
export const createAccessMetrics = (registry: Registry): AccessObserver => {
  const registers = [registry];
  const refused = new Counter({
    name: 'eidetic_access_refused_total',
    help: 'Requests that were not let in: no_key, unknown_key, expired_key, disabled_key; or by the limits of their key, rate, concurrency.',
    labelNames: ['reason'],
    registers,
  });
  const keys = new Gauge({
    name: 'eidetic_access_keys',
    help: 'API keys in the file that is in force; 0 where everyone is let in.',
    registers,
  });
  const reloads = new Counter({
    name: 'eidetic_access_reload_failures_total',
    help: 'Changes of the file of API keys that were of no use: the keys before stay in force.',
    registers,
  });
  const failures = new Counter({
    name: 'eidetic_access_limiter_failures_total',
    help: 'Calls of the Redis of limits that failed (timeout, unavailable, refused), after which a process keeps limits by itself.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of REFUSALS) refused.inc({ reason }, 0);
  for (const reason of FAILURES) failures.inc({ reason }, 0);
  return {
    refused: ({ reason }) => refused.inc({ reason }),
    loaded: (file) => keys.set(file.keys),
    reloadFailed: () => reloads.inc(),
    limiterFailed: ({ reason }) => failures.inc({ reason }),
  };
};
