import { totalmem } from 'node:os';
import { collectDefaultMetrics, Gauge, type OpenMetricsContentType, Registry as PromRegistry } from 'prom-client';

/**
 * Metrics of a process; {@link metricsPage} prints them. prom-client (15.1) lets histograms have exemplars only in registries of this type, but
 * takes `_total` from the names of their counters for good when such a registry prints itself.
 */
export type Registry = PromRegistry<OpenMetricsContentType>;

/** A registry without metrics. */
export const emptyRegistry = (): Registry => {
  const registry = new PromRegistry<OpenMetricsContentType>();
  registry.setContentType(PromRegistry.OPENMETRICS_CONTENT_TYPE);
  return registry;
};

/** What runs in a process, as its metrics say. */
export interface Build {
  readonly version: string;
  /** Name of the served model. */
  readonly model: string;
}

/** Without a limit `constrainedMemory` is 0, or more than there is. */
const memoryLimitBytes = (): number => Math.min(process.constrainedMemory() || Infinity, totalmem());

/** A registry with what every process has: what runs, and the metrics of Node.js and the process. */
export const createRegistry = (build: Build): Registry => {
  const registry = emptyRegistry();
  collectDefaultMetrics({ register: registry });
  const labels = { version: build.version, model: build.model, node: process.version };
  new Gauge({
    name: 'eidetic_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1);
  new Gauge({
    name: 'eidetic_service_memory_limit_bytes',
    help: 'Memory that the process may use: the limit of its container, or what the machine has.',
    registers: [registry],
  }).set(memoryLimitBytes());
  return registry;
};
