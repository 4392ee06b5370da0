import {
  type Build,
  createCacheMetrics,
  createImageMetrics,
  createRegistry,
  createVisionMetrics,
  type ImageMetrics,
  type Registry,
  type VisionMetrics,
} from '@eidetic/telemetry';

/** Every metric of this process, and the registry that `/metrics` prints. */
export interface Metrics {
  readonly registry: Registry;
  readonly image: ImageMetrics;
  readonly vision: VisionMetrics;
  readonly cache: ReturnType<typeof createCacheMetrics>;
}

/** Registers them all. */
export const createMetrics = (build: Build): Metrics => {
  const registry = createRegistry(build);
  return {
    registry,
    image: createImageMetrics(registry),
    vision: createVisionMetrics(registry),
    cache: createCacheMetrics(registry),
  };
};
