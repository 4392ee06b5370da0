import type { Dashboard } from '../panel.ts';
import { mean, quantile, rate, series, spread } from '../promql.ts';

const STEP = 'eidetic_engine_decode_step_seconds';

/** What engines do with their time. */
export const DECODERS: Dashboard = {
  uid: 'eidetic-decoders',
  title: 'Eidetic / Decoders',
  description: 'What engines do with their time, how full they are, and how gateways choose between them.',
  rows: [
    {
      title: 'How full',
      panels: [
        {
          title: 'Requests',
          description: 'Requests that hold a slot, those that wait for one, and all slots.',
          unit: 'short',
          queries: [
            { expr: `sum(${series('eidetic_engine_requests_running')})`, legend: 'running' },
            { expr: `sum(${series('eidetic_engine_requests_waiting')})`, legend: 'waiting' },
            { expr: `sum(${series('eidetic_engine_slots')})`, legend: 'slots' },
          ],
        },
        {
          title: 'KV memory',
          description: 'Share of the KV memory that running requests may come to need, by decoder.',
          unit: 'percentunit',
          queries: [{ expr: series('eidetic_engine_kv_usage_ratio'), legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'To the first token',
      panels: [
        {
          title: 'Wait for a slot',
          description: 'Time that a request waited for its slot.',
          unit: 's',
          queries: spread('eidetic_engine_queue_seconds'),
        },
        {
          title: 'Time for the prompt',
          description: 'From a slot to the first token: the prompt, and the steps of others in between.',
          unit: 's',
          queries: spread('eidetic_engine_prefill_seconds'),
        },
        {
          title: 'First token at the engine',
          description: 'From the arrival at the engine to the first token: queue and prompt.',
          unit: 's',
          queries: spread('eidetic_engine_first_token_seconds'),
        },
      ],
    },
    {
      title: 'Steps',
      panels: [
        {
          title: 'Decode step',
          description: 'Time of one decode step.',
          unit: 's',
          queries: spread(STEP),
        },
        {
          title: 'Answers in a step',
          description: 'Mean number of answers that one decode step continues.',
          unit: 'short',
          queries: [{ expr: mean('eidetic_engine_decode_step_rows'), legend: 'answers' }],
        },
        {
          title: 'Time in steps',
          description:
            'Share of the time that engines spend in steps, summed over decoders: 2 is two engines busy all the time.',
          unit: 'short',
          stacked: true,
          queries: [
            { expr: rate(`${STEP}_sum`), legend: 'decode' },
            { expr: rate('eidetic_engine_prefill_step_seconds_sum', '', 'purpose'), legend: 'prefill, {{purpose}}' },
          ],
        },
        {
          title: 'Prefill step, p95',
          description: 'Slow end of prefill steps, which running answers wait for.',
          unit: 's',
          queries: [
            { expr: quantile(0.95, 'eidetic_engine_prefill_step_seconds', '', 'purpose'), legend: '{{purpose}}' },
          ],
        },
        {
          title: 'Prompt positions',
          description: 'Positions of completed prompts by where their KV state came from.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: rate('eidetic_engine_prompt_tokens_total', '', 'source'), legend: '{{source}}' }],
        },
        {
          title: 'Ends',
          description: 'Requests by how they ended and how far they had come.',
          unit: 'reqps',
          queries: [
            {
              expr: rate('eidetic_engine_requests_finished_total', '', 'outcome, stage'),
              legend: '{{outcome}}, {{stage}}',
            },
          ],
        },
      ],
    },
    {
      title: 'As gateways see them',
      panels: [
        {
          title: 'Why this decoder',
          description:
            'Requests by why they went where they went. Many of spill: what is asked for most is on too few decoders.',
          unit: 'reqps',
          stacked: true,
          queries: [{ expr: rate('eidetic_decoder_pool_routed_total', '', 'reason'), legend: '{{reason}}' }],
        },
        {
          title: 'Attempts',
          description: 'Requests sent to decoders by how that ended; after an error another decoder may have answered.',
          unit: 'reqps',
          queries: [{ expr: rate('eidetic_decoder_pool_attempts_total', '', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Answers that outlived their decoder',
          description: 'Answers a second that went on at another decoder, and tokens that it had to compute again.',
          unit: 'short',
          queries: [
            { expr: rate('eidetic_decoder_pool_resume_seconds_count'), legend: 'answers' },
            { expr: rate('eidetic_decoder_pool_replayed_tokens_total'), legend: 'tokens' },
          ],
        },
        {
          title: 'Trouble with pods',
          description:
            'Pods of decoders and vision encoders that hung, circuit breakers that opened, and look-ups of addresses that failed.',
          unit: 'short',
          queries: [
            { expr: rate('eidetic_endpoint_hung_total', '', 'service'), legend: 'hung, {{service}}' },
            {
              expr: rate('eidetic_endpoint_breakers_total', 'state="open"', 'service'),
              legend: 'breaker opened, {{service}}',
            },
            {
              expr: rate('eidetic_endpoint_lookups_total', 'outcome!="ok"', 'service'),
              legend: 'addresses not found, {{service}}',
            },
          ],
        },
        {
          title: 'Foreign models',
          description: 'Decoders found to serve another model than the others, as they are during a rollout of one.',
          unit: 'short',
          queries: [{ expr: rate('eidetic_decoder_pool_foreign_models_total'), legend: 'decoders' }],
        },
        {
          title: 'Pods',
          description: 'Decoders that gateways know, and those that they can use. The gateway that sees fewest counts.',
          unit: 'short',
          queries: [
            { expr: `min by (state) (${series('eidetic_endpoint_pods', 'service="decoder"')})`, legend: '{{state}}' },
          ],
        },
      ],
    },
  ],
};
