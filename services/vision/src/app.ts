import { modelPlanOf } from '@eidetic/model-loader';
import { type Addresses, createRpcService } from '@eidetic/rpc-service';
import type { Service } from '@eidetic/service';
import { visionService } from '@eidetic/vision-rpc';
import manifest from '../package.json' with { type: 'json' };
import type { VisionServiceConfig } from './config.ts';
import type { VisionLoader } from './load-vision.ts';
import { createMetrics } from './metrics.ts';

/** What the service is made of besides its configuration. */
export interface VisionParts {
  readonly loadVision: VisionLoader;
  /** Receives lines for the person at the terminal. */
  readonly report: (line: string) => void;
}

/** Puts the vision service together. Calls are answered with `unavailable` until the model is loaded. */
export const createApp = (config: VisionServiceConfig, parts: VisionParts): Service<Addresses> => {
  const { version } = manifest;
  const { loadVision, report } = parts;
  const metrics = createMetrics({ version, model: modelPlanOf(config).modelName });
  return createRpcService({
    name: 'vision encoder',
    version,
    config,
    registry: metrics.registry,
    implement: visionService,
    async load(hooks) {
      const loaded = await loadVision(config, { ...hooks, metrics });
      metrics.vision.observeLoad(loaded.served.load);
      return loaded;
    },
    report,
  });
};
