import type { CacheScope } from '@eidetic/core';
import { EMBEDDING_FORMAT_VERSION } from './embedding-codec.ts';

/** Every name that the caches use in Redis begins with this. */
const PREFIX = 'eidetic:';

/** Where the embedding of a key is. The version keeps processes of two releases out of each other's way. */
export const embeddingName = (key: string): string => `${PREFIX}embedding:v${EMBEDDING_FORMAT_VERSION}:${key}`;

/** Where an uploaded picture is. Its bytes have no format of ours, so that no version is needed. */
export const imageName = (scope: CacheScope, imageId: string): string => `${PREFIX}image:${scope}:${imageId}`;
