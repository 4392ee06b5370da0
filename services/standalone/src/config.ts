import { GRPC_SETTINGS, HTTP_SETTINGS, REQUEST_SETTINGS } from '@eidetic/chat-server';
import { type Config, type ConfigDefinition, optional, size, text } from '@eidetic/config';
import { IMAGE_URL_SETTINGS } from '@eidetic/image-fetcher';
import { ENGINE_SETTINGS, MODEL_SETTINGS, VISION_SETTINGS } from '@eidetic/model-loader';

/** Every setting of the standalone server. */
export const CONFIG_DEFINITION = {
  ...HTTP_SETTINGS,
  ...GRPC_SETTINGS,
  ...MODEL_SETTINGS,
  ...VISION_SETTINGS,
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
  dataDir: {
    name: 'EIDETIC_DATA_DIR',
    description:
      'Where files and batches are kept, for this process alone; none: in a temporary directory that goes with the process. Relative to the current directory.',
    kind: optional(text()),
    default: 'none',
  },
  ...REQUEST_SETTINGS,
  ...IMAGE_URL_SETTINGS,
} as const satisfies ConfigDefinition;

/** What the environment says. */
export type StandaloneConfig = Config<typeof CONFIG_DEFINITION>;
