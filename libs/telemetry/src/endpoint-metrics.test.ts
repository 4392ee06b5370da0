import { expect, it } from 'vitest';
import { scrape } from '../test/scrape.ts';
import { createEndpointMetrics } from './endpoint-metrics.ts';
import { emptyRegistry } from './registry.ts';

it('tells the pods of each service apart, and what became of them', async () => {
  const registry = emptyRegistry();
  const observerOf = createEndpointMetrics(registry);
  const [vision, decoder] = [observerOf('vision'), observerOf('decoder')];
  vision.resolved({ outcome: 'ok' });
  vision.pods({ known: 3, usable: 2 });
  decoder.resolved({ outcome: 'empty' });
  decoder.hung();
  decoder.breaker({ state: 'open' });
  const lines = await scrape(registry, 'eidetic_endpoint_');
  expect(lines).toHaveLength(2 * (3 + 2 + 1 + 3));
  expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([
    'eidetic_endpoint_lookups_total{service="vision",outcome="ok"} 1',
    'eidetic_endpoint_lookups_total{service="decoder",outcome="empty"} 1',
    'eidetic_endpoint_pods{service="vision",state="known"} 3',
    'eidetic_endpoint_pods{service="vision",state="usable"} 2',
    'eidetic_endpoint_hung_total{service="decoder"} 1',
    'eidetic_endpoint_breakers_total{service="decoder",state="open"} 1',
  ]);
});
