import { Counter, Gauge, Histogram } from 'prom-client';
import { FIRST_TOKEN_BUCKETS, RESOLVE_BUCKETS } from './buckets.ts';
import type { Registry } from './registry.ts';

/** Metrics of a process that answers chats: what nobody behind it can know. */
export interface ChatMetrics {
  readonly requestsRunning: Gauge;
  readonly finished: Counter<'outcome'>;
  readonly firstToken: Histogram;
  readonly imageTokens: Counter;
  readonly imageCacheLookups: Counter<'outcome'>;
  readonly imageStages: Histogram<'stage'>;
}

/** Registers the metrics of chats. */
export const createChatMetrics = (registry: Registry): ChatMetrics => {
  const registers = [registry];
  return {
    requestsRunning: new Gauge({
      name: 'eidetic_chat_requests_running',
      help: 'Chat requests between their arrival and the end of their answer, whatever they wait for.',
      registers,
    }),
    finished: new Counter({
      name: 'eidetic_chat_requests_finished_total',
      help: 'Chat requests by how they ended: stop, length, or the code of the error.',
      labelNames: ['outcome'],
      registers,
    }),
    firstToken: new Histogram({
      name: 'eidetic_chat_first_token_seconds',
      help: 'From the arrival of a chat request to the first piece of its answer: pictures, queue and prompt.',
      buckets: FIRST_TOKEN_BUCKETS,
      enableExemplars: true,
      registers,
    }),
    imageTokens: new Counter({
      name: 'eidetic_chat_image_tokens_total',
      help: 'Prompt positions of finished answers that pictures took, computed or cached.',
      registers,
    }),
    imageCacheLookups: new Counter({
      name: 'eidetic_image_cache_lookups_total',
      help: 'Pictures of chat requests by whether their embedding was there: hit or miss.',
      labelNames: ['outcome'],
      registers,
    }),
    imageStages: new Histogram({
      name: 'eidetic_image_resolve_seconds',
      help: 'Time of one picture of a chat request by stage: fetch (from its URL, wait included; where it came as one), hash, lookup (of its embedding in the tiers of the cache), encode (wait and transfer included; misses only).',
      labelNames: ['stage'],
      buckets: RESOLVE_BUCKETS,
      enableExemplars: true,
      registers,
    }),
  };
};
