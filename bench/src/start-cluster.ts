import { Cluster } from '@eidetic/launcher';
import type { SuiteContext } from './suite.ts';

/** Weights of the decoder and its head in clusters. */
export const CLUSTER_PRECISION = 'int8';

/** A cluster on the context's checkpoint: two gateways, one vision encoder and one decoder, which share the cores. */
export function startCluster(context: SuiteContext, settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  return Cluster.start({
    gateways: 2,
    visionEncoders: 1,
    decoders: 1,
    ports: { gateway: 28_080, vision: 28_100, decoder: 28_200 },
    settings: {
      EIDETIC_LOG_LEVEL: 'error',
      EIDETIC_MODEL: context.checkpointDirectory,
      EIDETIC_CACHE_DIR: context.cacheDirectory,
      EIDETIC_DECODER_PRECISION: CLUSTER_PRECISION,
      EIDETIC_HEAD_PRECISION: CLUSTER_PRECISION,
      EIDETIC_THREADS: String(context.threads),
      ...settings,
    },
    decoderSettings: { EIDETIC_SLOTS: '8' },
    gatewaySettings: { EIDETIC_SHARED_POOL: 'true' },
  });
}
