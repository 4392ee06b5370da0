import type { EmbeddingCache } from '@eidetic/core';
import { decoderService } from '@eidetic/decoder-rpc';
import { modelPlanOf } from '@eidetic/model-loader';
import { type Addresses, createRpcService } from '@eidetic/rpc-service';
import type { Service } from '@eidetic/service';
import { createCacheMetrics, createEngineMetrics, createRegistry } from '@eidetic/telemetry';
import manifest from '../package.json' with { type: 'json' };
import type { DecoderConfig } from './config.ts';
import type { DecoderLoader } from './load-decoder.ts';

/** What the service is made of besides its configuration. */
export interface DecoderParts {
  readonly loadDecoder: DecoderLoader;
  /** Receives lines for the person at the terminal. */
  readonly report: (line: string) => void;
  /** Where to look for embeddings that are not in this process's memory, in place of what the configuration names. */
  readonly sharedCache?: EmbeddingCache;
}

/** Puts the decoder service together. Calls are answered with `unavailable` until the model is loaded. */
export const createApp = (config: DecoderConfig, parts: DecoderParts): Service<Addresses> => {
  const { modelName } = modelPlanOf(config);
  const { version } = manifest;
  const { loadDecoder, sharedCache, report } = parts;
  const registry = createRegistry({ version, model: modelName });
  const observer = createEngineMetrics(registry, modelName);
  const cacheMetrics = createCacheMetrics(registry);
  return createRpcService({
    name: 'decoder',
    version,
    config,
    registry,
    implement: decoderService,
    async load(hooks) {
      const loaded = await loadDecoder(config, { ...hooks, observer, cacheMetrics, sharedCache });
      observer.observeLoad(loaded.served.load);
      return loaded;
    },
    report,
  });
};
