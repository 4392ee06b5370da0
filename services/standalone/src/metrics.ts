import type { ImageFetchObserver } from '@eidetic/core';
import {
  type BatchMetrics,
  type Build,
  type ChatMetrics,
  createBatchMetrics,
  createCacheMetrics,
  createChatMetrics,
  createEncodeQueueMetrics,
  createEngineMetrics,
  createFileMetrics,
  createHttpMetrics,
  createImageFetchMetrics,
  createImageMetrics,
  createRegistry,
  type EncodeQueueMetrics,
  type EngineMetrics,
  type FileMetrics,
  type HttpMetrics,
  type ImageMetrics,
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
  readonly image: ImageMetrics;
  readonly cache: ReturnType<typeof createCacheMetrics>;
  readonly queue: EncodeQueueMetrics;
  readonly engine: EngineMetrics;
}

/** Registers them all: here everything runs in one process. */
export const createMetrics = (build: Build): Metrics => {
  const registry = createRegistry(build);
  return {
    registry,
    http: createHttpMetrics(registry),
    files: createFileMetrics(registry),
    batches: createBatchMetrics(registry),
    chat: createChatMetrics(registry),
    imageFetches: createImageFetchMetrics(registry),
    image: createImageMetrics(registry),
    cache: createCacheMetrics(registry),
    queue: createEncodeQueueMetrics(registry),
    engine: createEngineMetrics(registry, build.model),
  };
};
