import { type Config, type ConfigDefinition, duration, integer, oneOf, size, text } from '@eidetic/config';
import { ENGINE_SETTINGS, MODEL_SETTINGS } from '@eidetic/model-loader';
import { LOG_LEVELS } from '@eidetic/telemetry';

/** Every setting of the decoder service. */
export const CONFIG_DEFINITION = {
  grpcPort: {
    name: 'EIDETIC_GRPC_PORT',
    description: 'Port of the decoder; 0 takes a free one.',
    kind: integer({ min: 0, max: 65_535 }),
    default: '50051',
  },
  grpcHost: {
    name: 'EIDETIC_GRPC_HOST',
    description:
      'Address to listen on. Only this machine can reach the default; 0.0.0.0 lets everyone in, and there are no passwords.',
    kind: text(),
    default: '127.0.0.1',
  },
  httpPort: {
    name: 'EIDETIC_HTTP_PORT',
    description: 'Port of health and metrics; 0 takes a free one.',
    kind: integer({ min: 0, max: 65_535 }),
    default: '8081',
  },
  httpHost: {
    name: 'EIDETIC_HTTP_HOST',
    description: 'Address to listen on for health and metrics.',
    kind: text(),
    default: '127.0.0.1',
  },
  ...MODEL_SETTINGS,
  ...ENGINE_SETTINGS,
  embeddingCacheBytes: {
    name: 'EIDETIC_EMBEDDING_CACHE_SIZE',
    description: 'Memory for the embeddings of pictures seen before.',
    kind: size(),
    default: '256MiB',
  },
  maxConnectionAgeMs: {
    name: 'EIDETIC_MAX_CONNECTION_AGE',
    description:
      'Age at which a connection is closed, once its calls have ended, so that clients look for new servers.',
    kind: duration(1),
    default: '1m',
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
export type DecoderConfig = Config<typeof CONFIG_DEFINITION>;
