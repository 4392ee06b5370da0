import { EideticError, type EmbeddingCache } from '@eidetic/core';
import { decoderService, type ServedDecoder } from '@eidetic/decoder-rpc';
import { modelPlanOf } from '@eidetic/model-loader';
import { readDescriptors } from '@eidetic/proto';
import { RpcServer } from '@eidetic/rpc';
import { OperationsServer, type Readiness, type Service } from '@eidetic/service';
import { createEngineMetrics, createLogger, createRegistry } from '@eidetic/telemetry';
import manifest from '../package.json' with { type: 'json' };
import type { DecoderConfig } from './config.ts';
import type { DecoderLoader, LoadedDecoder } from './load-decoder.ts';
import { logCall } from './log-call.ts';

/** Where a started decoder listens. */
export interface Addresses {
  /** `host:port` */
  readonly grpc: string;
  /** URL of health and metrics. */
  readonly http: string;
}

/** What the service is made of besides its configuration. */
export interface DecoderParts {
  readonly loadDecoder: DecoderLoader;
  /** Receives lines for the person at the terminal. */
  readonly report: (line: string) => void;
  /** Where to look for embeddings that are not in this process's memory. */
  readonly sharedCache?: EmbeddingCache;
}

type State =
  | { readonly kind: 'starting'; readonly detail: string }
  | { readonly kind: 'ready'; readonly served: ServedDecoder }
  | { readonly kind: 'draining' };

const readinessOf = (state: State): Readiness =>
  state.kind === 'starting'
    ? { ready: false, status: `starting: ${state.detail}` }
    : { ready: state.kind === 'ready', status: state.kind };

/** The decoder, to those who call it. */
const servedIn = (state: State): ServedDecoder => {
  switch (state.kind) {
    case 'ready':
      return state.served;
    case 'starting':
      throw new EideticError('unavailable', `The decoder is starting (${state.detail}); try again in a moment.`);
    case 'draining':
      throw new EideticError('unavailable', 'The decoder is shutting down.');
  }
};

/** Puts the decoder service together. Calls are answered with `unavailable` until the model is loaded. */
export const createApp = (config: DecoderConfig, parts: DecoderParts): Service<Addresses> => {
  const { modelName } = modelPlanOf(config);
  const { version } = manifest;
  const registry = createRegistry({ version, model: modelName });
  const observer = createEngineMetrics(registry, modelName);
  let state: State = { kind: 'starting', detail: 'loading the model' };
  const rpc = new RpcServer({
    services: [decoderService(() => servedIn(state))],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: config.maxConnectionAgeMs,
    onEnd: logCall(createLogger({ level: config.logLevel, service: 'decoder', version })),
  });
  const operations = new OperationsServer({ readiness: () => readinessOf(state), metrics: registry });
  const loading = new AbortController();
  let loaded: Promise<LoadedDecoder> | undefined;

  const listen = async (): Promise<Addresses> => {
    const { grpcHost, grpcPort, httpHost, httpPort } = config;
    return {
      grpc: await rpc.listen({
        host: grpcHost,
        port: grpcPort,
        settings: 'EIDETIC_GRPC_PORT and EIDETIC_GRPC_HOST',
      }),
      http: await operations.listen({
        host: httpHost,
        port: httpPort,
        settings: 'EIDETIC_HTTP_PORT and EIDETIC_HTTP_HOST',
      }),
    };
  };

  return {
    async start() {
      const addresses = await listen();
      const onProgress = (detail: string): void => {
        if (state.kind === 'starting') state = { kind: 'starting', detail };
        parts.report(detail);
      };
      loading.signal.throwIfAborted();
      const { loadDecoder, sharedCache } = parts;
      loaded = loadDecoder(config, { observer, sharedCache, onProgress, signal: loading.signal });
      const { served } = await loaded;
      observer.observeLoad(served.load);
      // Draining may have begun meanwhile.
      if (state.kind === 'starting') {
        state = { kind: 'ready', served };
        rpc.setServing(true);
      }
      return addresses;
    },
    async drain() {
      loading.abort();
      state = { kind: 'draining' };
      await rpc.drain(config.drainLimitMs);
    },
    async stop() {
      loading.abort();
      await rpc.stop();
      await operations.close();
      // A model that failed to load was reported by start().
      await loaded?.then(
        ({ release }) => release(),
        () => undefined,
      );
    },
  };
};
