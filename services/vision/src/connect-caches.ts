import { openSharedCaches, type SharedCacheConfig, type SharedCaches } from '@eidetic/embedding-cache';
import type { LoadHooks } from '@eidetic/rpc-service';
import type { createCacheMetrics } from '@eidetic/telemetry';

/** Connects with the Redis at `url`, down or not. */
export const connectCaches = (
  url: string,
  config: SharedCacheConfig,
  metrics: ReturnType<typeof createCacheMetrics>,
  logger: LoadHooks['logger'],
): Promise<SharedCaches> =>
  openSharedCaches(url, config, {
    embedding: metrics('embedding'),
    image: metrics('image'),
    onConnection(connected, reason) {
      if (connected) logger.info('The shared cache is connected.');
      else logger.warn({ err: reason }, 'The shared cache is not connected: embeddings go to the callers.');
    },
  });
