import type { ImageFetchObserver } from '@eidetic/core';
import {
  type BatchMetrics,
  type Build,
  type ChatMetrics,
  createBatchMetrics,
  createCacheMetrics,
  createChatMetrics,
  createDecoderPoolMetrics,
  createEncodeQueueMetrics,
  createEndpointMetrics,
  createFileMetrics,
  createHttpMetrics,
  createImageFetchMetrics,
  createRegistry,
  type EncodeQueueMetrics,
  type FileMetrics,
  type HttpMetrics,
  type Registry,
} from '@eidetic/telemetry';

/** Every metric of this process, and the registry that `/metrics` prints. */
export interface Metrics {
  readonly registry: Registry;
  readonly http: HttpMetrics;
  readonly files: FileMetrics;
  readonly batches: BatchMetrics;
  readonly chat: ChatMetrics;
  readonly imageFetches: ImageFetchObserver;
  readonly cache: ReturnType<typeof createCacheMetrics>;
  readonly queue: EncodeQueueMetrics;
  readonly decoderPool: ReturnType<typeof createDecoderPoolMetrics>;
  readonly endpoints: ReturnType<typeof createEndpointMetrics>;
}

/** Registers them all. */
export const createMetrics = (build: Build): Metrics => {
  const registry = createRegistry(build);
  return {
    registry,
    http: createHttpMetrics(registry),
    files: createFileMetrics(registry),
    batches: createBatchMetrics(registry),
    chat: createChatMetrics(registry),
    imageFetches: createImageFetchMetrics(registry),
    cache: createCacheMetrics(registry),
    queue: createEncodeQueueMetrics(registry),
    decoderPool: createDecoderPoolMetrics(registry),
    endpoints: createEndpointMetrics(registry),
  };
};
