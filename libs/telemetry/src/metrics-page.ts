import { type OpenMetricsContentType, type PrometheusContentType, Registry as PromRegistry } from 'prom-client';
import type { Registry } from './registry.ts';

/** A page of metrics, as it is sent. */
export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

const OPEN_METRICS = 'application/openmetrics-text';

const print = async <Type extends OpenMetricsContentType | PrometheusContentType>(
  registry: Registry,
  contentType: Type,
): Promise<MetricsPage> => {
  const page = new PromRegistry<Type>();
  page.setContentType(contentType);
  // Objects that only inherit take the names that a format has for counters; the metrics keep theirs.
  for (const metric of registry.getMetricsAsArray()) page.registerMetric(Object.create(metric));
  return { contentType, text: await page.metrics() };
};

/**
 * Everything in a registry: in OpenMetrics, whose histograms hold exemplars, for whoever names that in `Accept`, as Prometheus does; in
 * Prometheus' own text format for all others.
 *
 * @param accept the request's header
 */
export const metricsPage = (registry: Registry, accept?: string): Promise<MetricsPage> =>
  accept?.includes(OPEN_METRICS)
    ? print(registry, PromRegistry.OPENMETRICS_CONTENT_TYPE)
    : print(registry, PromRegistry.PROMETHEUS_CONTENT_TYPE);
