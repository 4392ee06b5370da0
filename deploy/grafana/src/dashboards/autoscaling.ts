import type { Dashboard } from '../panel.ts';
import { quantile, rate, series } from '../promql.ts';

/** What autoscalers look at, beside what they did. */
export const AUTOSCALING: Dashboard = {
  uid: 'eidetic-autoscaling',
  title: 'Eidetic / Autoscaling',
  description:
    'What autoscalers look at, beside what they did: replicas against load, and whether users waited meanwhile.',
  rows: [
    {
      title: 'Replicas',
      panels: [
        {
          title: 'Processes that take requests',
          description: 'Processes whose /readyz says yes, by the job that Prometheus reads them in.',
          unit: 'short',
          queries: [{ expr: `sum by (job) (${series('eidetic_service_ready')})`, legend: '{{job}}' }],
        },
        {
          title: 'Processes that do not',
          description: 'Processes that load, fail or drain. A start that takes long is load that waits.',
          unit: 'short',
          queries: [{ expr: `count by (job) (${series('eidetic_service_ready')} == 0)`, legend: '{{job}}' }],
        },
      ],
    },
    {
      title: 'Vision encoders',
      panels: [
        {
          title: 'Backlog for each encoder',
          description:
            'Seconds of work that wait or are under way for each usable encoder, and the wait that is allowed.',
          unit: 's',
          queries: [
            {
              expr: `max(${series('eidetic_encode_queue_backlog_seconds')}) / max(${series('eidetic_endpoint_pods', 'service="vision", state="usable"')})`,
              legend: 'backlog',
            },
            { expr: 'eidetic:objective_picture_wait:seconds', legend: 'objective' },
          ],
        },
        {
          title: 'Busy encoders',
          description: 'Share of the time in which an encoder computes, on average; 0.4 is where it should be held.',
          unit: 'percentunit',
          queries: [{ expr: `avg(${rate('eidetic_vision_busy_seconds_total', '', 'instance')})`, legend: 'busy' }],
        },
        {
          title: 'Encoders',
          description: 'Encoders that gateways know and can use.',
          unit: 'short',
          queries: [
            { expr: `max by (state) (${series('eidetic_endpoint_pods', 'service="vision"')})`, legend: '{{state}}' },
          ],
        },
        {
          title: 'Pictures in encoders',
          description: 'Pictures in a run of the graph, and before or after it.',
          unit: 'short',
          queries: [
            { expr: `sum(${series('eidetic_vision_images_running')})`, legend: 'running' },
            { expr: `sum(${series('eidetic_vision_images_waiting')})`, legend: 'waiting' },
          ],
        },
      ],
    },
    {
      title: 'Decoders',
      panels: [
        {
          title: 'Slots in use',
          description: 'Share of the slots that are taken; 0.8 is where it should be held.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum(${series('eidetic_engine_requests_running')}) / sum(${series('eidetic_engine_slots')})`,
              legend: 'slots',
            },
            { expr: `avg(${series('eidetic_engine_kv_usage_ratio')})`, legend: 'KV memory' },
          ],
        },
        {
          title: 'Chats that wait',
          description: 'Requests that wait for a slot, for each decoder that has loaded its model.',
          unit: 'short',
          queries: [
            {
              expr: `sum(${series('eidetic_engine_requests_waiting')}) / count(${series('eidetic_engine_slots')})`,
              legend: 'for each decoder',
            },
          ],
        },
        {
          title: 'Time to first token, p95',
          description: 'Whether users waited while the system grew.',
          unit: 's',
          queries: [
            { expr: quantile(0.95, 'eidetic_chat_first_token_seconds'), legend: 'p95' },
            { expr: 'eidetic:objective_first_token:seconds', legend: 'objective' },
          ],
        },
      ],
    },
    {
      title: 'Gateways',
      panels: [
        {
          title: 'CPU',
          description:
            'Cores that each process uses. It tells of gateways only: engines use all of their threads for one answer as for eight.',
          unit: 'short',
          queries: [{ expr: rate('process_cpu_seconds_total', '', 'job, instance'), legend: '{{job}} {{instance}}' }],
        },
        {
          title: 'Event loop lag, p99',
          description: 'How long something kept the event loop of each process.',
          unit: 's',
          queries: [{ expr: series('nodejs_eventloop_lag_p99_seconds'), legend: '{{job}} {{instance}}' }],
        },
        {
          title: 'Chats for each gateway',
          description: 'Chats under way for each gateway; a gateway refuses what exceeds its bounds.',
          unit: 'short',
          queries: [
            {
              expr: `sum(${series('eidetic_chat_requests_running')}) / count(${series('eidetic_chat_requests_running')})`,
              legend: 'chats',
            },
          ],
        },
      ],
    },
  ],
};
