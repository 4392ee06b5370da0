import type { ImageFetcher, ImageFetchObserver } from '@eidetic/core';
import { DEFAULT_IMAGE_LIMITS } from '@eidetic/image/format';
import { createImageFetcher } from './image-fetcher.ts';
import type { ImageUrlConfig } from './settings.ts';
import { createUrlPolicy } from './url-policy.ts';

/** The fetcher that the settings describe; undefined when pictures are not fetched. */
export const openImageFetcher = (config: ImageUrlConfig, observer: ImageFetchObserver): ImageFetcher | undefined => {
  if (!config.imageUrls) return undefined;
  const policy = createUrlPolicy({
    allow: config.imageUrlAllow,
    deny: config.imageUrlDeny,
    private: config.imageUrlPrivate,
    ports: config.imageUrlPorts,
  });
  return createImageFetcher({
    policy,
    // What is larger would be fetched only to be refused by the decoder.
    maxBytes: DEFAULT_IMAGE_LIMITS.maxBytes,
    maxBytesTogether: config.imageUrlMemoryBytes,
    timeoutMs: config.imageUrlTimeoutMs,
    maxRunning: config.imageUrlFetches,
    maxWaiting: config.imageUrlWaiting,
    observer,
  });
};
