import type { Dashboard } from '../panel.ts';
import { mean, quantile, rate, series, share, total } from '../promql.ts';

const LOOKUPS = 'eidetic_image_cache_lookups_total';
const READS = 'eidetic_cache_reads_total';
const WRITES = 'eidetic_cache_writes_total';
/** A run is counted once for each of its pictures, so that a picture's own part is a run shared by those in it. */
const ENCODER_SECONDS = `(${mean('eidetic_image_encode_seconds', 'stage="encode"')}) / (${mean('eidetic_vision_batch_images')})`;

/** What is remembered, and what that saves. */
export const CACHES: Dashboard = {
  uid: 'eidetic-caches',
  title: 'Eidetic / Caches',
  description: 'What is remembered, and what looking at each picture once has saved.',
  rows: [
    {
      title: 'Saved in the time shown',
      panels: [
        {
          title: 'Encodes avoided',
          description:
            'Pictures of chats that no encoder had to look at: their embedding was there, or being made for somebody else.',
          unit: 'short',
          kind: 'stat',
          queries: [
            {
              expr: `${total(LOOKUPS, 'outcome="hit"')} + ${total('eidetic_encode_queue_requests_total', 'outcome="coalesced"')}`,
              legend: 'pictures',
            },
          ],
        },
        {
          title: 'Encoder time saved',
          description:
            'Encodes avoided by embeddings that were there, times the seconds that an encoder takes for a picture now.',
          unit: 's',
          kind: 'stat',
          queries: [{ expr: `${total(LOOKUPS, 'outcome="hit"')} * ${ENCODER_SECONDS}`, legend: 'seconds' }],
        },
        {
          title: 'Prompt positions reused',
          description: 'Positions of prompts whose KV state a decoder had, so that they were not computed.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: total('eidetic_engine_prompt_tokens_total', 'source="cached"'), legend: 'positions' }],
        },
      ],
    },
    {
      title: 'Pictures',
      panels: [
        {
          title: 'Known pictures',
          description:
            'Share of pictures whose embedding was there, and the share of the others that waited for one being made already.',
          unit: 'percentunit',
          queries: [
            { expr: share(LOOKUPS, 'outcome="hit"'), legend: 'known' },
            { expr: share('eidetic_encode_queue_requests_total', 'outcome="coalesced"'), legend: 'being made' },
          ],
        },
        {
          title: 'Encoder seconds saved a second',
          description: 'As many encoders more would be busy all the time without the cache.',
          unit: 'short',
          queries: [{ expr: `${rate(LOOKUPS, 'outcome="hit"')} * ${ENCODER_SECONDS}`, legend: 'encoders' }],
        },
        {
          title: 'Reused prompts',
          description: 'Share of prompt positions whose KV state was there, as engines and as gateways count it.',
          unit: 'percentunit',
          queries: [
            { expr: share('eidetic_engine_prompt_tokens_total', 'source="cached"'), legend: 'engines' },
            { expr: share('eidetic_decoder_pool_prompt_tokens_total', 'source="cached"'), legend: 'gateways' },
          ],
        },
      ],
    },
    {
      title: 'Tiers',
      panels: [
        {
          title: 'Hits by tier',
          description:
            'Share of look-ups in each tier that found something: the memory of the process, then Redis for what that has not.',
          unit: 'percentunit',
          queries: [
            {
              expr: `${rate(READS, 'outcome="hit"', 'cache, tier')} / ${rate(READS, '', 'cache, tier')}`,
              legend: '{{cache}}, {{tier}}',
            },
          ],
        },
        {
          title: 'Look-ups in Redis that fail',
          description:
            'Look-ups that Redis did not answer well; all of them count as misses. Corrupt or foreign: see the runbook.',
          unit: 'short',
          queries: [{ expr: rate(READS, 'tier="redis", outcome!~"hit|miss"', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Time of calls, p95',
          description: 'Slow end of look-ups and writes in each tier, transfer and decoding included.',
          unit: 's',
          queries: [
            { expr: quantile(0.95, 'eidetic_cache_call_seconds', '', 'tier, call'), legend: '{{tier}}, {{call}}' },
          ],
        },
        {
          title: 'Writes',
          description: 'Writes to the shared cache by how they ended. Only stored is good.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: rate(WRITES, '', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Memory of the processes',
          description:
            'Resident memory, and what the process may use. Caches in memory have a size of their own in the settings.',
          unit: 'bytes',
          queries: [
            { expr: series('process_resident_memory_bytes'), legend: '{{job}} {{instance}}' },
            { expr: `min(${series('eidetic_service_memory_limit_bytes')})`, legend: 'smallest limit' },
          ],
        },
      ],
    },
  ],
};
