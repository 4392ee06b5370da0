import type { EndpointObserver } from '@eidetic/core';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from './registry.ts';

/** A service whose pods are called. */
export type MeasuredService = 'vision' | 'decoder';

/** Registers the metrics of the pods of other services, and gives the observer of each service. */
export const createEndpointMetrics = (registry: Registry): ((service: MeasuredService) => EndpointObserver) => {
  const registers = [registry];
  const lookups = new Counter({
    name: 'eidetic_endpoint_lookups_total',
    help: 'Look-ups of the addresses of a service (vision, decoder) by how they ended: ok; or failed, empty, after which the last list stands.',
    labelNames: ['service', 'outcome'],
    registers,
  });
  const pods = new Gauge({
    name: 'eidetic_endpoint_pods',
    help: 'Pods of a service as this process sees them: known, and those of them that are usable.',
    labelNames: ['service', 'state'],
    registers,
  });
  const hung = new Counter({
    name: 'eidetic_endpoint_hung_total',
    help: 'Pods of a service that took connections and did not answer in time.',
    labelNames: ['service'],
    registers,
  });
  const breakers = new Counter({
    name: 'eidetic_endpoint_breakers_total',
    help: 'Times that the circuit breaker of a pod went to a state: open (no calls), half_open (one, to see), closed.',
    labelNames: ['service', 'state'],
    registers,
  });
  return (service) => {
    const known = pods.labels({ service, state: 'known' });
    const usable = pods.labels({ service, state: 'usable' });
    for (const gauge of [known, usable]) gauge.set(0);
    for (const outcome of ['ok', 'failed', 'empty']) lookups.inc({ service, outcome }, 0);
    for (const state of ['open', 'half_open', 'closed']) breakers.inc({ service, state }, 0);
    hung.inc({ service }, 0);
    return {
      resolved: ({ outcome }) => lookups.inc({ service, outcome }),
      pods: (count) => {
        known.set(count.known);
        usable.set(count.usable);
      },
      hung: () => hung.inc({ service }),
      breaker: ({ state }) => breakers.inc({ service, state }),
    };
  };
};
