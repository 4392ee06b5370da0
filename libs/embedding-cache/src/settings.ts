import { type Config, type ConfigDefinition, duration, size } from '@eidetic/config';

/** How the processes of a cluster use the Redis that holds embeddings and uploaded pictures; its address is a setting of each service. */
export const SHARED_CACHE_SETTINGS = {
  embeddingTtlMs: {
    name: 'EIDETIC_EMBEDDING_TTL',
    description: 'How long embeddings stay in the shared cache after they were last used; whole seconds.',
    kind: duration(1000),
    default: '1h',
  },
  imageTtlMs: {
    name: 'EIDETIC_IMAGE_TTL',
    description:
      'How long pictures as they were sent stay in the shared cache after they were last used, so that they can be encoded again unasked; whole seconds.',
    kind: duration(1000),
    default: '24h',
  },
  cacheTimeoutMs: {
    name: 'EIDETIC_CACHE_TIMEOUT',
    description: 'Longest time that one call to the shared cache may take; what takes longer counts as not there.',
    kind: duration(1),
    default: '500ms',
  },
  cacheWriteBytes: {
    name: 'EIDETIC_CACHE_WRITES_SIZE',
    description: 'Bytes that may be on their way to the shared cache at the same time; writes beyond are left out.',
    kind: size(),
    default: '64MiB',
  },
} as const satisfies ConfigDefinition;

/** What {@link SHARED_CACHE_SETTINGS} load into. */
export type SharedCacheConfig = Config<typeof SHARED_CACHE_SETTINGS>;
