import { totalmem } from 'node:os';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export type { Registry };

/** What runs in a process, as its metrics say. */
export interface Build {
  readonly version: string;
  /** Name of the served model. */
  readonly model: string;
}

/** Without a limit `constrainedMemory` is 0, or more than there is. */
const memoryLimitBytes = (): number => Math.min(process.constrainedMemory() || Infinity, totalmem());

/** A registry, whose text `/metrics` prints, with what every process has: what runs, and the metrics of Node.js and the process. */
export const createRegistry = (build: Build): Registry => {
  const registry = new Registry();
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
