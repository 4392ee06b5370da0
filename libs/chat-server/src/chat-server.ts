import { type Limiter, openAccessControl } from '@eidetic/access';
import type { ChatService, ImageService } from '@eidetic/chat';
import { type AccessObserver, BodyBudget, EideticError } from '@eidetic/core';
import { DEFAULT_IMAGE_LIMITS, probeImage } from '@eidetic/image';
import type { RpcServer } from '@eidetic/rpc';
import { type Addresses, logCertificates } from '@eidetic/rpc-service';
import { listenError, type Service } from '@eidetic/service';
import {
  type BatchMetrics,
  type ChatMetrics,
  createAccessMetrics,
  createLogger,
  createRpcMetrics,
  type FileMetrics,
  type HttpMetrics,
  measureChat,
  openTracer,
  type Registry,
  registerReadiness,
  type Tracer,
} from '@eidetic/telemetry';
import { grpcCertificates, httpCertificates } from '@eidetic/tls';
import type { FastifyInstance } from 'fastify';
import { ChatGate, type GateState } from './chat-gate.ts';
import { DurableWork, type Stores } from './durable-work.ts';
import { createHttpServer, type Readiness } from './http-server.ts';
import { createChatRpcServer } from './rpc-server.ts';
import type { ChatServerConfig } from './settings.ts';

/** What answers, and how to let go of it and what is behind it. */
export interface LoadedChat {
  readonly chatService: ChatService;
  readonly imageService: ImageService;
  readonly stores: Stores;
  release(): Promise<void>;
}

/** What loads with. */
export interface LoadContext {
  /** Receives a line whenever there is something to say. */
  readonly onProgress: (step: string) => void;
  /** Aborting gives up. */
  readonly signal: AbortSignal;
  /** Undefined: nothing is traced. */
  readonly tracer: Tracer | undefined;
}

/** What a chat server is made of besides its configuration. */
export interface ChatServerParts {
  /** Name in the log. */
  readonly service: string;
  readonly version: string;
  /** Name under which the model is served. */
  readonly modelName: string;
  /** Chats that may be answered or wait at the same time; more are refused with `overloaded`. */
  readonly maxRequests: number;
  /** Keeps the limits of API keys; absent: this process does, by itself. */
  readonly limiter?: (observer: AccessObserver) => Limiter & Disposable;
  readonly metrics: {
    readonly registry: Registry;
    readonly http: HttpMetrics;
    readonly chat: ChatMetrics;
    readonly files: FileMetrics;
    readonly batches: BatchMetrics;
  };
  /** Makes what answers; takes as long as it takes. */
  readonly load: (context: LoadContext) => Promise<LoadedChat>;
  /** Receives lines for the person at the terminal. */
  readonly report: (line: string) => void;
}

/** The running server; it starts at the addresses that it resolves with. */
export type ChatServer = Service<Addresses>;

/** Time for the errors of ended answers to reach their readers. */
const LAST_WORDS_MS = 1000;

const notThereYet = (): never => {
  throw new EideticError('unavailable', 'The server is starting; try again in a moment.');
};

const readinessOf = (state: GateState): Readiness => {
  if (state.kind === 'starting') return { ready: false, status: `starting: ${state.detail}` };
  return { ready: state.kind === 'ready', status: state.kind };
};

const listen = async (http: FastifyInstance, rpc: RpcServer, config: ChatServerConfig): Promise<Addresses> => {
  const { httpHost: host, httpPort: port, grpcHost, grpcPort } = config;
  const address = await http.listen({ host, port }).catch((reason: unknown) => {
    throw listenError(reason, { host, port, settings: 'EIDETIC_HTTP_PORT and EIDETIC_HTTP_HOST' });
  });
  const settings = 'EIDETIC_GRPC_PORT and EIDETIC_GRPC_HOST';
  return { http: address, grpc: await rpc.listen({ host: grpcHost, port: grpcPort, settings }) };
};

/** Puts the server together. It listens before it has loaded what answers: alive, not ready, and saying why. */
export const createChatServer = (config: ChatServerConfig, parts: ChatServerParts): ChatServer => {
  const { service, version, modelName, maxRequests, metrics, load, report } = parts;
  const gate = new ChatGate(modelName, maxRequests);
  const logger = createLogger({ level: config.logLevel, service, version });
  const onChange = logCertificates(logger);
  let tracer: Tracer | undefined;
  const observer = createAccessMetrics(metrics.registry);
  const limiter = parts.limiter?.(observer);
  const onReload = (message: string, reason?: Error): void => {
    if (reason === undefined) logger.info(message);
    else logger.error({ err: reason }, message);
  };
  const access = openAccessControl(config, { observer, limiter, onReload });
  let work: DurableWork | undefined;
  const shared = { access, bodies: new BodyBudget(config.maxBodyBytesTogether) };
  const readiness = (): Readiness => readinessOf(gate.state);
  registerReadiness(metrics.registry, () => readiness().ready);
  const http = createHttpServer({
    api: {
      ...shared,
      chat: gate,
      files: () => (work ?? notThereYet()).files,
      batches: () => (work ?? notThereYet()).batches,
      pictures: { maxBytes: DEFAULT_IMAGE_LIMITS.maxBytes, probe: (bytes) => probeImage(bytes) },
    },
    readiness,
    metrics,
    tracer: () => tracer,
    logger,
    limits: config,
    maxConnections: config.maxConnections,
    corsOrigins: config.corsOrigins,
    certificates: httpCertificates(config, { onChange }),
  });
  const rpc = createChatRpcServer({
    api: { ...shared, chat: gate, images: gate, tracer: () => tracer, limits: config },
    metrics: createRpcMetrics(metrics.registry),
    logger,
    maxConnectionAgeMs: config.maxConnectionAgeMs,
    certificates: grpcCertificates(config, { onChange }),
  });
  const loading = new AbortController();
  let loaded: Promise<LoadedChat> | undefined;

  return {
    async start() {
      const addresses = await listen(http, rpc, config);
      const onProgress = (step: string): void => {
        gate.describeStart(step);
        report(step);
      };
      tracer = await openTracer(config, { service, version }, logger);
      loading.signal.throwIfAborted();
      loaded = load({ onProgress, signal: loading.signal, tracer });
      const { chatService, imageService, stores } = await loaded;
      gate.open({ chat: measureChat(chatService, metrics.chat, () => performance.now()), images: imageService });
      if (gate.state.kind !== 'ready') return addresses;
      rpc.setServing(true);
      work = new DurableWork(stores, config, { chat: gate, metrics, logger });
      await work.start();
      return addresses;
    },
    async drain() {
      loading.abort();
      await Promise.all([work?.drain(), gate.drain(config.drainLimitMs), rpc.drain(config.drainLimitMs)]);
    },
    async stop() {
      loading.abort();
      const limit = setTimeout(() => http.server.closeAllConnections(), LAST_WORDS_MS);
      await Promise.all([http.close(), rpc.stop()]);
      clearTimeout(limit);
      // What failed to load was reported by start().
      await loaded?.then(
        ({ release }) => release(),
        () => undefined,
      );
      access[Symbol.dispose]();
      limiter?.[Symbol.dispose]();
      await tracer?.[Symbol.asyncDispose]();
    },
  };
};
