import { EideticError } from '@eidetic/core';
import { createLogger, measureChat } from '@eidetic/telemetry';
import manifest from '../package.json' with { type: 'json' };
import { ChatGate, type GateState } from './chat-gate.ts';
import { planOf, type StandaloneConfig } from './config.ts';
import { createHttpServer, type Readiness } from './http-server.ts';
import type { LoadedModel, ModelLoader } from './load-model.ts';
import { createMetrics } from './metrics.ts';

/** The running server. */
export interface App {
  /**
   * Listens at once, then loads the model; resolves when chats are answered, with the address to reach them.
   *
   * @throws EideticError `invalid_config` when the port is taken; what the loader throws.
   */
  start(): Promise<string>;
  /** Refuses new chats and lets the running ones end, up to the drain limit. */
  drain(): Promise<void>;
  /** Closes the server, after a moment for last words with every connection that is still open, and releases the model. */
  stop(): Promise<void>;
}

/** Time for the errors of ended answers to reach their readers. */
const LAST_WORDS_MS = 1000;

const readinessOf = (state: GateState): Readiness => {
  if (state.kind === 'starting') return { ready: false, status: `starting: ${state.detail}` };
  return { ready: state.kind === 'ready', status: state.kind };
};

const listenError = (reason: unknown, { httpHost, httpPort }: StandaloneConfig): EideticError => {
  const { code, message } = reason as NodeJS.ErrnoException;
  const problem =
    code === 'EADDRINUSE'
      ? 'it is in use by another program. Stop that program, or set EIDETIC_HTTP_PORT and EIDETIC_HTTP_HOST.'
      : `${message}. Set EIDETIC_HTTP_PORT and EIDETIC_HTTP_HOST to an address of this machine.`;
  return new EideticError('invalid_config', `Cannot listen on ${httpHost}:${httpPort}: ${problem}`, { cause: reason });
};

/** Puts the server together. `report` receives lines for the person at the terminal. */
export const createApp = (config: StandaloneConfig, loadModel: ModelLoader, report: (line: string) => void): App => {
  const { modelName } = planOf(config);
  const metrics = createMetrics({ version: manifest.version, model: modelName });
  const gate = new ChatGate(modelName, config.slots + config.maxWaiting);
  const server = createHttpServer({
    chatService: gate,
    readiness: () => readinessOf(gate.state),
    metrics,
    logger: createLogger({ level: config.logLevel, service: 'standalone', version: manifest.version }),
    api: config,
  });
  const loading = new AbortController();
  let model: Promise<LoadedModel> | undefined;

  return {
    async start() {
      const address = await server.listen({ port: config.httpPort, host: config.httpHost }).catch((reason: unknown) => {
        throw listenError(reason, config);
      });
      const onProgress = (step: string): void => {
        gate.describeStart(step);
        report(step);
      };
      loading.signal.throwIfAborted();
      model = loadModel(config, { metrics, onProgress, signal: loading.signal });
      const { chatService } = await model;
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
      // A model that failed to load was reported by start().
      await model?.then(
        ({ release }) => release(),
        () => undefined,
      );
    },
  };
};
