import { createOpenAccess } from '@eidetic/access';
import type { ChatService } from '@eidetic/chat';
import { listenError, type Service } from '@eidetic/service';
import {
  type ChatMetrics,
  createLogger,
  type HttpMetrics,
  measureChat,
  openTracer,
  type Registry,
  type Tracer,
} from '@eidetic/telemetry';
import { ChatGate, type GateState } from './chat-gate.ts';
import { createHttpServer, type Readiness } from './http-server.ts';
import type { ChatServerConfig } from './settings.ts';

/** A chat service that answers, and how to let go of it and what is behind it. */
export interface LoadedChat {
  readonly chatService: ChatService;
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
  readonly metrics: { readonly registry: Registry; readonly http: HttpMetrics; readonly chat: ChatMetrics };
  /** Makes what answers; takes as long as it takes. */
  readonly load: (context: LoadContext) => Promise<LoadedChat>;
  /** Receives lines for the person at the terminal. */
  readonly report: (line: string) => void;
}

/** The running server; it starts at the address that it resolves with. */
export type ChatServer = Service<string>;

/** Time for the errors of ended answers to reach their readers. */
const LAST_WORDS_MS = 1000;

const readinessOf = (state: GateState): Readiness => {
  if (state.kind === 'starting') return { ready: false, status: `starting: ${state.detail}` };
  return { ready: state.kind === 'ready', status: state.kind };
};

/** Puts the server together. It listens before it has loaded what answers: alive, not ready, and saying why. */
export const createChatServer = (config: ChatServerConfig, parts: ChatServerParts): ChatServer => {
  const { service, version, modelName, maxRequests, metrics, load, report } = parts;
  const gate = new ChatGate(modelName, maxRequests);
  const logger = createLogger({ level: config.logLevel, service, version });
  let tracer: Tracer | undefined;
  const server = createHttpServer({
    api: { chat: gate, access: createOpenAccess() },
    readiness: () => readinessOf(gate.state),
    metrics,
    tracer: () => tracer,
    logger,
    limits: config,
  });
  const loading = new AbortController();
  let loaded: Promise<LoadedChat> | undefined;

  return {
    async start() {
      const address = await server.listen({ port: config.httpPort, host: config.httpHost }).catch((reason: unknown) => {
        const settings = 'EIDETIC_HTTP_PORT and EIDETIC_HTTP_HOST';
        throw listenError(reason, { host: config.httpHost, port: config.httpPort, settings });
      });
      const onProgress = (step: string): void => {
        gate.describeStart(step);
        report(step);
      };
      tracer = await openTracer(config, { service, version }, logger);
      loading.signal.throwIfAborted();
      loaded = load({ onProgress, signal: loading.signal, tracer });
      const { chatService } = await loaded;
      gate.open(measureChat(chatService, metrics.chat, () => performance.now()));
      return address;
    },
    async drain() {
      loading.abort();
      await gate.drain(config.drainLimitMs);
    },
    async stop() {
      loading.abort();
      const limit = setTimeout(() => server.server.closeAllConnections(), LAST_WORDS_MS);
      await server.close();
      clearTimeout(limit);
      // What failed to load was reported by start().
      await loaded?.then(
        ({ release }) => release(),
        () => undefined,
      );
      await tracer?.[Symbol.asyncDispose]();
    },
  };
};
