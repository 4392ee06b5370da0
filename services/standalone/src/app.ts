import { modelPlanOf } from '@eidetic/model-loader';
import { listenError, type Service } from '@eidetic/service';
import { createLogger, measureChat } from '@eidetic/telemetry';
import manifest from '../package.json' with { type: 'json' };
import { ChatGate, type GateState } from './chat-gate.ts';
import type { StandaloneConfig } from './config.ts';
import { createHttpServer, type Readiness } from './http-server.ts';
import type { LoadedModel, ModelLoader } from './load-model.ts';
import { createMetrics } from './metrics.ts';

/** The running server; it starts at the address that it resolves with. */
export type App = Service<string>;

/** Time for the errors of ended answers to reach their readers. */
const LAST_WORDS_MS = 1000;

const readinessOf = (state: GateState): Readiness => {
  if (state.kind === 'starting') return { ready: false, status: `starting: ${state.detail}` };
  return { ready: state.kind === 'ready', status: state.kind };
};

/** Puts the server together. `report` receives lines for the person at the terminal. */
export const createApp = (config: StandaloneConfig, loadModel: ModelLoader, report: (line: string) => void): App => {
  const { modelName } = modelPlanOf(config);
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
        const settings = 'EIDETIC_HTTP_PORT and EIDETIC_HTTP_HOST';
        throw listenError(reason, { host: config.httpHost, port: config.httpPort, settings });
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
