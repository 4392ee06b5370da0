import { GRPC_SETTINGS, HTTP_SETTINGS, REQUEST_SETTINGS } from '@eidetic/chat-server';
import {
  type Config,
  type ConfigDefinition,
  type Environment,
  loadConfig,
  optional,
  size,
  text,
} from '@eidetic/config';
import { ENGINE_SETTINGS, MODEL_SETTINGS } from '@eidetic/model-loader';
import { GRPC_TLS_SETTINGS, HTTP_TLS_SETTINGS, POD_TLS_SETTINGS } from '@eidetic/tls';

const DEFINITION = {
  httpPort: HTTP_SETTINGS.httpPort,
  httpHost: HTTP_SETTINGS.httpHost,
  grpcPort: GRPC_SETTINGS.grpcPort,
  grpcHost: GRPC_SETTINGS.grpcHost,
  ...MODEL_SETTINGS,
  slots: ENGINE_SETTINGS.slots,
  maxContext: ENGINE_SETTINGS.maxContext,
  maxBodyBytesTogether: REQUEST_SETTINGS.maxBodyBytesTogether,
  embeddingCacheBytes: {
    name: 'EIDETIC_EMBEDDING_CACHE_SIZE',
    description: 'Memory for embeddings.',
    kind: size(),
    default: '256MiB',
  },
  imageStoreBytes: {
    name: 'EIDETIC_IMAGE_STORE_SIZE',
    description: 'Memory for pictures.',
    kind: size(),
    default: '256MiB',
  },
  queueRedisUrl: {
    name: 'EIDETIC_QUEUE_REDIS_URL',
    description: 'Redis of the queue.',
    kind: optional(text()),
    default: 'none',
    secret: true,
  },
  cacheRedisUrl: {
    name: 'EIDETIC_CACHE_REDIS_URL',
    description: 'Redis of the caches.',
    kind: optional(text()),
    default: 'none',
    secret: true,
  },
  decoders: {
    name: 'EIDETIC_DECODERS',
    description: 'Where the decoders are.',
    kind: optional(text()),
    default: 'none',
  },
  visionEncoders: {
    name: 'EIDETIC_VISION_ENCODERS',
    description: 'Where the vision encoders are.',
    kind: optional(text()),
    default: 'none',
  },
  ...HTTP_TLS_SETTINGS,
  ...GRPC_TLS_SETTINGS,
  ...POD_TLS_SETTINGS,
} as const satisfies ConfigDefinition;

/** The settings of services that are looked at; parts of a cluster are only if they are named. */
export type DoctorConfig = Config<typeof DEFINITION>;

/**
 * Reads them; other variables of services are none of this command's business.
 *
 * @throws EideticError `invalid_config`
 */
export const loadDoctorConfig = (env: Environment): DoctorConfig =>
  loadConfig(DEFINITION, Object.fromEntries(Object.values(DEFINITION).map(({ name }) => [name, env[name]])));
