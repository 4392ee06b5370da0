import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export type { Registry };

/** What runs in a process, as its metrics say. */
export interface Build {
  readonly version: string;
  /** Name of the served model. */
  readonly model: string;
}

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
  return registry;
};
