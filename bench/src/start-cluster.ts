import { Cluster } from '@eidetic/launcher';
import type { SuiteContext } from './suite.ts';

/** Weights of the decoder and its head in clusters. */
const CLUSTER_PRECISION = 'int8';

/** A cluster on the context's checkpoint: two gateways, vision encoders and decoders, so many of each, which share the cores. */
export function startCluster(context: SuiteContext, ofEach = 1): Promise<Cluster> {
  return Cluster.start({
    gateways: 2,
    visionEncoders: ofEach,
    decoders: ofEach,
    ports: {
      gateway: 28_080,
      gatewayGrpc: 28_050,
      vision: 28_100,
      visionHttp: 28_150,
      decoder: 28_200,
      decoderHttp: 28_250,
    },
    settings: {
      EIDETIC_LOG_LEVEL: 'error',
      EIDETIC_MODEL: context.checkpointDirectory,
      EIDETIC_CACHE_DIR: context.cacheDirectory,
      EIDETIC_DECODER_PRECISION: CLUSTER_PRECISION,
      EIDETIC_HEAD_PRECISION: CLUSTER_PRECISION,
      EIDETIC_THREADS: String(Math.max(1, Math.floor(context.threads / ofEach))),
    },
    decoderSettings: { EIDETIC_SLOTS: '8' },
    gatewaySettings: { EIDETIC_SHARED_POOL: 'true' },
  });
}
