import { Gauge } from 'prom-client';
import type { Registry } from './registry.ts';

/** Registers whether a process takes requests, as `/readyz` says it; `isReady` is asked when it is scraped. */
export const registerReadiness = (registry: Registry, isReady: () => boolean): void => {
  new Gauge({
    name: 'eidetic_service_ready',
    help: 'Whether the process takes requests, as /readyz says it: 1, or 0 while it loads, fails or drains.',
    registers: [registry],
    collect() {
      this.set(isReady() ? 1 : 0);
    },
  });
};
