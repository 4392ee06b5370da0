import { type Config, type ConfigDefinition, duration, integer, optional, size, text } from '@eidetic/config';
import { SHARED_CACHE_SETTINGS } from '@eidetic/embedding-cache';
import { MODEL_SETTINGS, VISION_SETTINGS } from '@eidetic/model-loader';
import { LIFE_SETTINGS, listenSettings } from '@eidetic/rpc-service';

/** Every setting of the vision service. */
export const CONFIG_DEFINITION = {
  ...listenSettings({ name: 'vision encoder', grpcPort: '50052', httpPort: '8082' }),
  ...MODEL_SETTINGS,
  ...VISION_SETTINGS,
  maxPictures: {
    name: 'EIDETIC_MAX_PICTURES',
    description: 'Pictures that may be encoded or wait at the same time; more are refused as overload.',
    kind: integer({ min: 1, max: 100_000 }),
    default: '128',
  },
  pictureMemoryBytes: {
    name: 'EIDETIC_PICTURE_MEMORY',
    description:
      'Memory for those pictures: of each its compressed bytes, twice, and its embedding; 7 bytes for each pixel of the largest, of as many as EIDETIC_IMAGE_THREADS decodes at once. What does not fit is refused as overload, but for one picture alone.',
    kind: size(),
    default: '1GiB',
  },
  embeddingCacheBytes: {
    name: 'EIDETIC_EMBEDDING_CACHE_SIZE',
    description: 'Memory for the embeddings of pictures seen before.',
    kind: size(),
    default: '256MiB',
  },
  cacheRedisUrl: {
    name: 'EIDETIC_CACHE_REDIS_URL',
    description:
      'Redis that holds uploaded pictures and takes their embeddings for decoders, as redis://user:password@host:port; none: pictures come with their bytes, and embeddings go back to the caller.',
    kind: optional(text()),
    default: 'none',
    secret: true,
  },
  ...SHARED_CACHE_SETTINGS,
  probeIdleMs: {
    name: 'EIDETIC_PROBE_IDLE',
    description: 'Time without an encoded picture after which a tiny one is encoded to see whether that still works.',
    kind: duration(1),
    default: '30s',
  },
  probeLimitMs: {
    name: 'EIDETIC_PROBE_LIMIT',
    description:
      'Longest time that the tiny picture may take; beyond it, health says NOT_SERVING until one succeeds. None: 10 s, or five times what it took at start if that is longer.',
    kind: optional(duration(1)),
    default: 'none',
  },
  ...LIFE_SETTINGS,
} as const satisfies ConfigDefinition;

/** What the environment says. */
export type VisionServiceConfig = Config<typeof CONFIG_DEFINITION>;
