import { Counter, type Registry } from 'prom-client';

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
