import {
  type Build,
  type ChatMetrics,
  createCacheMetrics,
  createChatMetrics,
  createHttpMetrics,
  createRegistry,
  type HttpMetrics,
  type Registry,
} from '@eidetic/telemetry';

/** Every metric of this process, and the registry that `/metrics` prints. */
export interface Metrics {
  readonly registry: Registry;
  readonly http: HttpMetrics;
  readonly chat: ChatMetrics;
  readonly cache: ReturnType<typeof createCacheMetrics>;
}

/** Registers them all. */
export const createMetrics = (build: Build): Metrics => {
  const registry = createRegistry(build);
  return {
    registry,
    http: createHttpMetrics(registry),
    chat: createChatMetrics(registry),
    cache: createCacheMetrics(registry),
  };
};
