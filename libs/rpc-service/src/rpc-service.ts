import { EideticError } from '@eidetic/core';
import { readDescriptors } from '@eidetic/proto';
import { type Implementation, RpcServer } from '@eidetic/rpc';
import { OperationsServer, type Readiness, type Service } from '@eidetic/service';
import {
  createLogger,
  createRpcMetrics,
  metricsPage,
  openTracer,
  type Registry,
  registerReadiness,
  type Tracer,
} from '@eidetic/telemetry';
import { grpcCertificates } from '@eidetic/tls';
import { logCall } from './log-call.ts';
import { logCertificates } from './log-certificates.ts';
import type { RpcServiceConfig } from './settings.ts';

/** Where a started service listens. */
export interface Addresses {
  /** `host:port` */
  readonly grpc: string;
  /** URL of health and metrics. */
  readonly http: string;
}

/** Something that answers, and how to let go of it. */
export interface Loaded<Served> {
  readonly served: Served;
  release(): Promise<void>;
}

/** Whom to tell while something loads, and afterwards. */
export interface LoadHooks {
  /** Receives a line whenever there is something to say. */
  readonly onProgress: (step: string) => void;
  /** From now on health says NOT_SERVING, for this reason; undefined: SERVING again. Counts once the service is loaded. */
  readonly onTrouble: (reason: string | undefined) => void;
  /** Aborting gives up. */
  readonly signal: AbortSignal;
  readonly logger: ReturnType<typeof createLogger>;
  /** Undefined: nothing is traced. */
  readonly tracer: Tracer | undefined;
}

/** What a service is made of. */
export interface RpcServiceOptions<Served> {
  /** What it is called, in sentences and in the log. */
  readonly name: string;
  readonly version: string;
  readonly config: RpcServiceConfig;
  readonly registry: Registry;
  /** What it answers with; `served` throws `unavailable` while there is nothing. */
  readonly implement: (served: () => Served) => Implementation;
  readonly load: (hooks: LoadHooks) => Promise<Loaded<Served>>;
  /** Receives lines for the person at the terminal. */
  readonly report: (line: string) => void;
}

type State<Served> =
  | { readonly kind: 'starting'; readonly detail: string }
  | { readonly kind: 'ready'; readonly served: Served }
  | { readonly kind: 'draining' };

const readinessOf = (state: State<unknown>, trouble: string | undefined): Readiness => {
  if (state.kind === 'starting') return { ready: false, status: `starting: ${state.detail}` };
  if (state.kind === 'ready' && trouble !== undefined) return { ready: false, status: `failing: ${trouble}` };
  return { ready: state.kind === 'ready', status: state.kind };
};

/** What is served, to those who call. */
const servedIn = <Served>(state: State<Served>, name: string): Served => {
  switch (state.kind) {
    case 'ready':
      return state.served;
    case 'starting':
      throw new EideticError('unavailable', `The ${name} is starting (${state.detail}); try again in a moment.`);
    case 'draining':
      throw new EideticError('unavailable', `The ${name} is shutting down.`);
  }
};

const listen = async (rpc: RpcServer, operations: OperationsServer, config: RpcServiceConfig): Promise<Addresses> => {
  const { grpcHost, grpcPort, httpHost, httpPort } = config;
  const [grpc, http] = ['EIDETIC_GRPC_PORT and EIDETIC_GRPC_HOST', 'EIDETIC_HTTP_PORT and EIDETIC_HTTP_HOST'] as const;
  return {
    grpc: await rpc.listen({ host: grpcHost, port: grpcPort, settings: grpc }),
    http: await operations.listen({ host: httpHost, port: httpPort, settings: http }),
  };
};

/** A service that answers over gRPC once it has loaded something. Until then calls are answered with `unavailable`. */
export const createRpcService = <Served>(options: RpcServiceOptions<Served>): Service<Addresses> => {
  const { name, version, config, registry, load, report } = options;
  const logger = createLogger({ level: config.logLevel, service: name, version });
  const metrics = createRpcMetrics(registry);
  const log = logCall(logger);
  let state: State<Served> = { kind: 'starting', detail: 'loading the model' };
  let trouble: string | undefined;
  const rpc = new RpcServer({
    services: [options.implement(() => servedIn(state, name))],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: config.maxConnectionAgeMs,
    certificates: grpcCertificates(config, { onChange: logCertificates(logger) }),
    onEnd(call) {
      metrics.calls.inc({ method: call.method, outcome: call.code });
      log(call);
    },
  });
  const readiness = (): Readiness => readinessOf(state, trouble);
  registerReadiness(registry, () => readiness().ready);
  const operations = new OperationsServer({ readiness, metrics: (accept) => metricsPage(registry, accept) });
  const loading = new AbortController();
  let loaded: Promise<Loaded<Served>> | undefined;
  let tracer: Tracer | undefined;

  const onProgress = (detail: string): void => {
    if (state.kind === 'starting') state = { kind: 'starting', detail };
    report(detail);
  };
  const onTrouble = (reason: string | undefined): void => {
    trouble = reason;
    if (state.kind === 'ready') rpc.setServing(reason === undefined);
  };

  return {
    async start() {
      const addresses = await listen(rpc, operations, config);
      loading.signal.throwIfAborted();
      tracer = await openTracer(config, { service: name.replaceAll(' ', '-'), version }, logger);
      loaded = load({ onProgress, onTrouble, signal: loading.signal, logger, tracer });
      const { served } = await loaded;
      // Draining may have begun meanwhile.
      if (state.kind === 'starting') {
        state = { kind: 'ready', served };
        rpc.setServing(trouble === undefined);
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
      // What failed to load was reported by start().
      await loaded?.then(
        ({ release }) => release(),
        () => undefined,
      );
      await tracer?.[Symbol.asyncDispose]();
    },
  };
};
