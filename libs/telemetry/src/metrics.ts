import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric of a process that answers chats, and the registry that `/metrics` prints. */
export interface Metrics {
  readonly registry: Registry;
  readonly httpRequests: Counter<'method' | 'route' | 'status'>;
  readonly chatRequestsRunning: Gauge;
  readonly chatFinished: Counter<'reason'>;
  readonly chatFirstToken: Histogram;
  readonly chatInterToken: Histogram;
  readonly chatPromptTokens: Counter<'source'>;
  readonly chatImageTokens: Counter;
  readonly chatGenerationTokens: Counter;
  readonly imageCacheLookups: Counter<'outcome'>;
  readonly imageEncode: Histogram<'stage'>;
}

/** Seconds: a cached picture on a GPU to a queue of pictures on a laptop. */
const FIRST_TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds: 1000 tokens a second to one that stalls. */
const INTER_TOKEN_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** Seconds: decoding a thumbnail to encoding a batch with a large ViT on CPUs. */
const ENCODE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Metrics in a registry of their own, with those of Node.js and the process. */
export const createMetrics = (build: { readonly version: string; readonly model: string }): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const labels = { ...build, node: process.version };
  new Gauge({
    name: 'eidetic_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: Object.keys(labels),
    registers,
  }).set(labels, 1);
  return {
    registry,
    httpRequests: new Counter({
      name: 'eidetic_http_requests_total',
      help: 'HTTP requests answered.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    chatRequestsRunning: new Gauge({
      name: 'eidetic_chat_requests_running',
      help: 'Chat requests between their arrival and the end of their answer.',
      registers,
    }),
    chatFinished: new Counter({
      name: 'eidetic_chat_requests_finished_total',
      help: 'Chat requests by how they ended: stop, length, or the code of the error.',
      labelNames: ['reason'],
      registers,
    }),
    chatFirstToken: new Histogram({
      name: 'eidetic_chat_first_token_seconds',
      help: 'From the arrival of a chat request to the first piece of its answer.',
      buckets: FIRST_TOKEN_BUCKETS,
      registers,
    }),
    chatInterToken: new Histogram({
      name: 'eidetic_chat_inter_token_seconds',
      help: 'Between two tokens of one answer.',
      buckets: INTER_TOKEN_BUCKETS,
      registers,
    }),
    chatPromptTokens: new Counter({
      name: 'eidetic_chat_prompt_tokens_total',
      help: 'Prompt positions of finished answers: computed, or cached (their KV state was reused).',
      labelNames: ['source'],
      registers,
    }),
    chatImageTokens: new Counter({
      name: 'eidetic_chat_image_tokens_total',
      help: 'Prompt positions of finished answers that pictures took, computed or cached.',
      registers,
    }),
    chatGenerationTokens: new Counter({
      name: 'eidetic_chat_generation_tokens_total',
      help: 'Tokens generated.',
      registers,
    }),
    imageCacheLookups: new Counter({
      name: 'eidetic_image_cache_lookups_total',
      help: 'Pictures of chat requests by whether their embedding was there: hit or miss.',
      labelNames: ['outcome'],
      registers,
    }),
    imageEncode: new Histogram({
      name: 'eidetic_image_encode_seconds',
      help: 'Time of one picture by stage: decode, preprocess, encode (the run of its batch).',
      labelNames: ['stage'],
      buckets: ENCODE_BUCKETS,
      registers,
    }),
  };
};
