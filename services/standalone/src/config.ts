import { type Config, type ConfigDefinition, duration, integer, oneOf, size, text } from '@eidetic/config';
import { ENGINE_SETTINGS, MODEL_SETTINGS } from '@eidetic/model-loader';
import { LOG_LEVELS } from '@eidetic/telemetry';

const MAX_INTEGER = 2 ** 31 - 1;

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
  ...MODEL_SETTINGS,
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
  ...ENGINE_SETTINGS,
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
