import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { precisionSchema } from '@eidetic/bundle';
import { type Config, type ConfigDefinition, duration, integer, oneOf, size, text } from '@eidetic/config';
import { LOG_LEVELS } from '@eidetic/telemetry';

const MAX_INTEGER = 2 ** 31 - 1;
const precision = oneOf(precisionSchema.options);

/** Every setting of the standalone server. */
export const CONFIG_DEFINITION = {
  httpPort: {
    name: 'EIDETIC_HTTP_PORT',
    description: 'Port of the API, the web page, health and metrics; 0 takes a free one.',
    kind: integer({ min: 0, max: 65_535 }),
    default: '8080',
  },
  httpHost: {
    name: 'EIDETIC_HTTP_HOST',
    description:
      'Address to listen on. Only this machine can reach the default; 0.0.0.0 lets everyone in, and there are no passwords.',
    kind: text(),
    default: '127.0.0.1',
  },
  model: {
    name: 'EIDETIC_MODEL',
    description: "Checkpoint to serve: a folder as published on Hugging Face. Relative to the project's folder.",
    kind: text(),
    default: 'models/qwen-vl-nano-chat',
  },
  cacheDirectory: {
    name: 'EIDETIC_CACHE_DIR',
    description: "Where converted models are kept. Relative to the project's folder.",
    kind: text(),
    default: '.cache/bundles',
  },
  visionPrecision: {
    name: 'EIDETIC_VISION_PRECISION',
    description: 'Weights of the vision encoder.',
    kind: precision,
    default: 'float32',
  },
  decoderPrecision: {
    name: 'EIDETIC_DECODER_PRECISION',
    description: 'Weights of the language model.',
    kind: precision,
    default: 'int8',
  },
  headPrecision: {
    name: 'EIDETIC_HEAD_PRECISION',
    description: 'Weights of the projection onto the vocabulary.',
    kind: precision,
    default: 'int8',
  },
  threads: {
    name: 'EIDETIC_THREADS',
    description: 'Threads that compute; 0 takes one per core.',
    kind: integer({ min: 0, max: 1024 }),
    default: '0',
  },
  imageThreads: {
    name: 'EIDETIC_IMAGE_THREADS',
    description: 'Threads that decode pictures; each may hold one picture in memory.',
    kind: integer({ min: 1, max: 1024 }),
    default: '2',
  },
  visionBatch: {
    name: 'EIDETIC_VISION_BATCH',
    description: 'Most pictures that the vision encoder takes at once.',
    kind: integer({ min: 1, max: 256 }),
    default: '8',
  },
  slots: {
    name: 'EIDETIC_SLOTS',
    description: 'Answers that are generated at the same time; each has key/value memory of its own.',
    kind: integer({ min: 1, max: 256 }),
    default: '4',
  },
  maxWaiting: {
    name: 'EIDETIC_MAX_WAITING',
    description: 'Requests that may wait for a slot; more are refused with status 429.',
    kind: integer({ min: 0, max: 100_000 }),
    default: '64',
  },
  maxContext: {
    name: 'EIDETIC_MAX_CONTEXT',
    description: "Most positions of one dialog, pictures and answer included; 0 takes the model's.",
    kind: integer({ min: 0, max: MAX_INTEGER }),
    default: '0',
  },
  prefillChunk: {
    name: 'EIDETIC_PREFILL_CHUNK',
    description: 'Most prompt positions that are computed at a time.',
    kind: integer({ min: 4, max: 65_536 }),
    default: '256',
  },
  prefillPercent: {
    name: 'EIDETIC_PREFILL_PERCENT',
    description:
      'Share of the time that new prompts may take from running answers, in percent: with 50, their tokens come about half as fast while a prompt is computed; with 100, they wait for whole chunks.',
    kind: integer({ min: 1, max: 100 }),
    default: '50',
  },
  priorityAgingMs: {
    name: 'EIDETIC_PRIORITY_AGING',
    description: 'Wait after which requests of a priority count as one higher, so that none waits forever.',
    kind: duration(1),
    default: '10s',
  },
  embeddingCacheBytes: {
    name: 'EIDETIC_EMBEDDING_CACHE_SIZE',
    description: 'Memory for the embeddings of pictures seen before.',
    kind: size(),
    default: '256MiB',
  },
  maxImagesPerRequest: {
    name: 'EIDETIC_MAX_IMAGES',
    description: 'Most pictures in one request.',
    kind: integer({ min: 0, max: 1000 }),
    default: '8',
  },
  maxImageBytes: {
    name: 'EIDETIC_MAX_IMAGE_SIZE',
    description: 'Largest picture as it is sent.',
    kind: size(),
    default: '20MiB',
  },
  maxImagePixels: {
    name: 'EIDETIC_MAX_IMAGE_PIXELS',
    description: 'Most pixels of one picture.',
    kind: integer({ min: 1, max: MAX_INTEGER }),
    default: '50000000',
  },
  maxBodyBytes: {
    name: 'EIDETIC_MAX_BODY_SIZE',
    description: 'Largest request; pictures grow by a third in JSON.',
    kind: size(),
    default: '64MiB',
  },
  maxBodyBytesTogether: {
    name: 'EIDETIC_MAX_BODIES_SIZE',
    description: 'Memory for the requests that are being answered; what would exceed it is refused with status 429.',
    kind: size(),
    default: '512MiB',
  },
  requestDeadlineMs: {
    name: 'EIDETIC_REQUEST_DEADLINE',
    description: 'Longest time that a request may take to arrive, and from then to the end of its answer.',
    kind: duration(1),
    default: '5m',
  },
  heartbeatMs: {
    name: 'EIDETIC_STREAM_HEARTBEAT',
    description: 'Longest silence in a stream before a comment is sent that keeps proxies from closing it.',
    kind: duration(1),
    default: '15s',
  },
  drainLimitMs: {
    name: 'EIDETIC_DRAIN_LIMIT',
    description: 'Longest time that running answers get to end after SIGTERM or SIGINT.',
    kind: duration(),
    default: '30s',
  },
  logLevel: {
    name: 'EIDETIC_LOG_LEVEL',
    description: 'Least severe messages that are logged to standard output, as JSON.',
    kind: oneOf(LOG_LEVELS),
    default: 'info',
  },
} as const satisfies ConfigDefinition;

/** What the environment says. */
export type StandaloneConfig = Config<typeof CONFIG_DEFINITION>;

const PROJECT_DIRECTORY = fileURLToPath(new URL('../../..', import.meta.url));

/** What follows from the configuration on this machine. */
export const planOf = (config: StandaloneConfig) => ({
  checkpointDirectory: resolve(PROJECT_DIRECTORY, config.model),
  cacheDirectory: resolve(PROJECT_DIRECTORY, config.cacheDirectory),
  /** Name under which the model is served. */
  modelName: basename(resolve(PROJECT_DIRECTORY, config.model)),
  threads: config.threads === 0 ? availableParallelism() : config.threads,
});
