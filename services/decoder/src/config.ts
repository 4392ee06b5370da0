import { type Config, type ConfigDefinition, optional, size, text } from '@eidetic/config';
import { SHARED_CACHE_SETTINGS } from '@eidetic/embedding-cache';
import { ENGINE_SETTINGS, MODEL_SETTINGS } from '@eidetic/model-loader';
import { LIFE_SETTINGS, listenSettings } from '@eidetic/rpc-service';

/** Every setting of the decoder service. */
export const CONFIG_DEFINITION = {
  ...listenSettings({ name: 'decoder', grpcPort: '50051', httpPort: '8081' }),
  ...MODEL_SETTINGS,
  ...ENGINE_SETTINGS,
  embeddingCacheBytes: {
    name: 'EIDETIC_EMBEDDING_CACHE_SIZE',
    description: 'Memory for the embeddings of pictures seen before.',
    kind: size(),
    default: '256MiB',
  },
  cacheRedisUrl: {
    name: 'EIDETIC_CACHE_REDIS_URL',
    description:
      'Redis in which vision encoders leave embeddings, as redis://user:password@host:port; none: callers send them along.',
    kind: optional(text()),
    default: 'none',
    secret: true,
  },
  ...SHARED_CACHE_SETTINGS,
  ...LIFE_SETTINGS,
} as const satisfies ConfigDefinition;

/** What the environment says. */
export type DecoderConfig = Config<typeof CONFIG_DEFINITION>;
