import type { Dashboard } from '../panel.ts';
import { quantile, rate, series, share, spread } from '../promql.ts';

const FAULTS = 'outcome=~"internal|inference_failed|unavailable|overloaded|deadline_exceeded"';
const FINISHED = 'eidetic_chat_requests_finished_total';
const FIRST_TOKEN = 'eidetic_chat_first_token_seconds';

/** What users get. */
export const OVERVIEW: Dashboard = {
  uid: 'eidetic-overview',
  title: 'Eidetic / Overview',
  description: 'What users get: how many chats, how fast, how many fail, and how full the system is.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Chats that end well',
          description:
            'Share of chats that did not fail through a fault of ours. The objective is a parameter of the alerts.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [{ expr: `1 - ((${share(FINISHED, FAULTS)}) or vector(0))`, legend: 'ended well' }],
        },
        {
          title: 'Time to first token, p95',
          description: 'From the arrival of a chat to the first piece of its answer, for 95 of 100 chats.',
          unit: 's',
          kind: 'stat',
          queries: [{ expr: quantile(0.95, FIRST_TOKEN), legend: 'p95' }],
        },
        {
          title: 'Tokens a second',
          description:
            'Tokens that decode steps give, over all decoders. First tokens come from prefill and are not counted.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: rate('eidetic_engine_decode_step_rows_sum'), legend: 'tokens/s' }],
        },
        {
          title: 'Pictures known already',
          description: 'Share of pictures whose embedding was there, so that no encoder had to look at them.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [{ expr: share('eidetic_image_cache_lookups_total', 'outcome="hit"'), legend: 'known' }],
        },
      ],
    },
    {
      title: 'Golden signals',
      panels: [
        {
          title: 'Chats',
          description: 'Chats that end in a second, by how: stop, length, or the code of the error.',
          unit: 'reqps',
          stacked: true,
          queries: [{ expr: rate(FINISHED, '', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Time to first token',
          description: 'From the arrival of a chat to the first piece of its answer, and the objective for p95.',
          unit: 's',
          queries: [
            ...spread(FIRST_TOKEN),
            { expr: 'eidetic:objective_first_token:seconds', legend: 'objective of p95' },
          ],
        },
        {
          title: 'Chats that fail',
          description: 'Share of chats that failed through a fault of ours, and the share that the objective allows.',
          unit: 'percentunit',
          queries: [
            { expr: share(FINISHED, FAULTS), legend: 'failed' },
            { expr: '1 - eidetic:objective_chat_success:ratio', legend: 'allowed' },
          ],
        },
        {
          title: 'How full',
          description: 'Slots in use, and KV memory that running requests may come to need. At 1, chats wait.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum(${series('eidetic_engine_requests_running')}) / sum(${series('eidetic_engine_slots')})`,
              legend: 'slots',
            },
            { expr: `avg(${series('eidetic_engine_kv_usage_ratio')})`, legend: 'KV memory' },
          ],
        },
      ],
    },
    {
      title: 'Work',
      panels: [
        {
          title: 'Goodput',
          description:
            'Chats a second, and those of them whose first token came within 2.5 s, the objective as it comes out of the box.',
          unit: 'reqps',
          queries: [
            { expr: rate(`${FIRST_TOKEN}_bucket`, 'le="2.5"'), legend: 'first token within 2.5 s' },
            { expr: rate(FINISHED), legend: 'all' },
          ],
        },
        {
          title: 'Tokens',
          description: 'Tokens a second: generated in decode steps, and prompt positions that were computed.',
          unit: 'short',
          queries: [
            { expr: rate('eidetic_engine_decode_step_rows_sum'), legend: 'decode' },
            { expr: rate('eidetic_engine_prefill_tokens_total', '', 'purpose'), legend: 'prefill, {{purpose}}' },
          ],
        },
        {
          title: 'Between two tokens',
          description:
            'Time between two tokens of one answer. Far above the decode step, prompts of others come in between.',
          unit: 's',
          queries: spread('eidetic_engine_inter_token_seconds'),
        },
        {
          title: 'Chats under way',
          description: 'Chats between their arrival and the end of their answer, by gateway.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: `sum by (instance) (${series('eidetic_chat_requests_running')})`, legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'At the door, and behind everything',
      panels: [
        {
          title: 'Refused at the door',
          description: 'Requests that API keys and their limits did not let in, by reason.',
          unit: 'reqps',
          queries: [{ expr: rate('eidetic_access_refused_total', '', 'reason'), legend: '{{reason}}' }],
        },
        {
          title: 'Lines of batches',
          description: 'Requests of batches that end in a second, by what became of them; retried ones go on.',
          unit: 'reqps',
          queries: [{ expr: rate('eidetic_batch_lines_total', '', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'HTTP statuses',
          description: 'Answers over HTTP by status, health checks and metrics included.',
          unit: 'reqps',
          queries: [{ expr: rate('eidetic_http_requests_total', '', 'status'), legend: '{{status}}' }],
        },
      ],
    },
  ],
};
