import { Counter } from 'prom-client';
import type { Registry } from './registry.ts';

/** Metrics of a process that answers HTTP. */
export interface HttpMetrics {
  readonly requests: Counter<'method' | 'route' | 'status'>;
}

/** Registers the metrics of HTTP. */
export const createHttpMetrics = (registry: Registry): HttpMetrics => ({
  requests: new Counter({
    name: 'eidetic_http_requests_total',
    help: 'HTTP requests answered, by the pattern of their route.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  }),
});
