import type { Dashboard } from '../panel.ts';
import { mean, quantile, rate, series } from '../promql.ts';

/** The encode queue, and both Redis as Eidetic sees them. */
export const QUEUE: Dashboard = {
  uid: 'eidetic-queue',
  title: 'Eidetic / Queue and Redis',
  description:
    'The encode queue, and both Redis as Eidetic sees them. Their own memory and commands are the business of a Redis exporter.',
  rows: [
    {
      title: 'What waits',
      panels: [
        {
          title: 'Pictures that wait',
          description: 'Pictures in the queue that no encoder has taken yet. Each gateway tells of the whole queue.',
          unit: 'short',
          queries: [{ expr: `max(${series('eidetic_encode_queue_waiting_jobs')})`, legend: 'pictures' }],
        },
        {
          title: 'Pictures at encoders',
          description: 'Pictures that gateways have sent to encoders and have no answer about.',
          unit: 'short',
          queries: [{ expr: `max(${series('eidetic_encode_queue_encoding_jobs')})`, legend: 'pictures' }],
        },
        {
          title: 'Oldest picture',
          description: 'Time that the oldest of them has waited, and the objective.',
          unit: 's',
          queries: [
            { expr: `max(${series('eidetic_encode_queue_oldest_seconds')})`, legend: 'oldest' },
            { expr: 'eidetic:objective_picture_wait:seconds', legend: 'objective' },
          ],
        },
        {
          title: 'Backlog',
          description: 'Seconds that one encoder would compute for what waits and for what is at encoders.',
          unit: 's',
          queries: [{ expr: `max(${series('eidetic_encode_queue_backlog_seconds')})`, legend: 'backlog' }],
        },
        {
          title: 'Cost that waits',
          description: 'What encoding the waiting pictures costs, in rows of embeddings.',
          unit: 'short',
          queries: [{ expr: `max(${series('eidetic_encode_queue_waiting_cost')})`, legend: 'rows' }],
        },
      ],
    },
    {
      title: 'What goes through',
      panels: [
        {
          title: 'Asked for',
          description: 'Pictures that gateways asked the queue for: new ones, and those that were asked for already.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: rate('eidetic_encode_queue_requests_total', '', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Answered',
          description: 'Pictures that gateways asked for, by how that ended.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: rate('eidetic_encode_queue_answered_total', '', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Given to encoders',
          description: 'Pictures that gateways gave to encoders, by how that ended for good.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: rate('eidetic_encode_queue_handled_total', '', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Batches',
          description: 'Mean number of pictures that a gateway gives to an encoder together.',
          unit: 'short',
          queries: [{ expr: mean('eidetic_encode_queue_batch_jobs'), legend: 'pictures' }],
        },
        {
          title: 'Trouble',
          description:
            'Pictures that were tried again, lost with their gateway, or given up; a steady line is a fault.',
          unit: 'short',
          queries: [
            { expr: rate('eidetic_encode_queue_retries_total', '', 'outcome'), legend: 'tried again, {{outcome}}' },
            { expr: rate('eidetic_encode_queue_stalled_total'), legend: 'stalled' },
            { expr: rate('eidetic_encode_queue_dropped_total', '', 'reason'), legend: 'dropped, {{reason}}' },
          ],
        },
      ],
    },
    {
      title: 'Redis',
      panels: [
        {
          title: 'Failed calls of the queue',
          description:
            'Calls of the Redis of the queue that failed, and of the limits of API keys that are kept there.',
          unit: 'short',
          queries: [
            { expr: rate('eidetic_encode_queue_failures_total'), legend: 'queue' },
            { expr: rate('eidetic_access_limiter_failures_total', '', 'reason'), legend: 'limits, {{reason}}' },
          ],
        },
        {
          title: 'Failed calls of the caches',
          description: 'Look-ups and writes that the Redis of the caches did not do.',
          unit: 'short',
          queries: [
            {
              expr: rate(
                'eidetic_cache_reads_total',
                'tier="redis", outcome=~"timeout|unavailable|refused"',
                'outcome',
              ),
              legend: 'look-up, {{outcome}}',
            },
            { expr: rate('eidetic_cache_writes_total', 'outcome!="stored"', 'outcome'), legend: 'write, {{outcome}}' },
          ],
        },
        {
          title: 'Time of the cache Redis',
          description: 'Median and slow end of calls to the Redis of the caches.',
          unit: 's',
          queries: [0.5, 0.99].map((q) => ({
            expr: quantile(q, 'eidetic_cache_call_seconds', 'tier="redis"', 'call'),
            legend: `{{call}}, p${q * 100}`,
          })),
        },
      ],
    },
  ],
};
