import { HTTP_SETTINGS, REQUEST_SETTINGS } from '@eidetic/chat-server';
import { type Config, type ConfigDefinition, integer, size } from '@eidetic/config';
import { ENGINE_SETTINGS, MODEL_SETTINGS } from '@eidetic/model-loader';

const MAX_INTEGER = 2 ** 31 - 1;

/** Every setting of the standalone server. */
export const CONFIG_DEFINITION = {
  ...HTTP_SETTINGS,
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
  ...ENGINE_SETTINGS,
  embeddingCacheBytes: {
    name: 'EIDETIC_EMBEDDING_CACHE_SIZE',
    description: 'Memory for the embeddings of pictures seen before.',
    kind: size(),
    default: '256MiB',
  },
  imageStoreBytes: {
    name: 'EIDETIC_IMAGE_STORE_SIZE',
    description:
      'Memory for pictures as they were sent, so that those whose embedding had to go are encoded again unasked.',
    kind: size(),
    default: '256MiB',
  },
  ...REQUEST_SETTINGS,
} as const satisfies ConfigDefinition;

/** What the environment says. */
export type StandaloneConfig = Config<typeof CONFIG_DEFINITION>;
