import type { Query } from './panel.ts';

/** The series of a metric in the chosen namespaces. A Prometheus outside Kubernetes has no namespaces: then all of them. */
export const series = (metric: string, labels = ''): string =>
  `${metric}{namespace=~"$namespace"${labels && `, ${labels}`}}`;

const by = (labels: string): string => (labels ? ` by (${labels})` : '');

/** What a counter grows by in a second, over everything that has the same `labels`. */
export const rate = (metric: string, labels = '', grouping = ''): string =>
  `sum${by(grouping)} (rate(${series(metric, labels)}[$__rate_interval]))`;

/** What a counter has grown by over the time that the dashboard shows. */
export const total = (metric: string, labels = ''): string => `sum(increase(${series(metric, labels)}[$__range]))`;

/** The value of a histogram that the share `q` stays below. */
export const quantile = (q: number, histogram: string, labels = '', grouping = ''): string =>
  `histogram_quantile(${q}, ${rate(`${histogram}_bucket`, labels, grouping ? `le, ${grouping}` : 'le')})`;

/** The mean of a histogram. */
export const mean = (histogram: string, labels = '', grouping = ''): string =>
  `${rate(`${histogram}_sum`, labels, grouping)} / ${rate(`${histogram}_count`, labels, grouping)}`;

/** Which part of a counter has `labels`. */
export const share = (metric: string, labels: string, of = ''): string =>
  `${rate(metric, of ? `${of}, ${labels}` : labels)} / ${rate(metric, of)}`;

/** Median and slow end of a histogram, as lines, with its exemplars, if it has any. */
export const spread = (histogram: string, labels = ''): readonly Query[] => [
  { expr: quantile(0.5, histogram, labels), legend: 'p50' },
  { expr: quantile(0.95, histogram, labels), legend: 'p95' },
  { expr: quantile(0.99, histogram, labels), legend: 'p99', exemplars: true },
];
