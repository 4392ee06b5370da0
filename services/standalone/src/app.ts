import { type ChatServer, createChatServer } from '@eidetic/chat-server';
import { modelPlanOf } from '@eidetic/model-loader';
import { createLogger } from '@eidetic/telemetry';
import manifest from '../package.json' with { type: 'json' };
import type { StandaloneConfig } from './config.ts';
import { loadModel } from './load-model.ts';
import { createMetrics } from './metrics.ts';

/** Puts the server together: a chat server over a model in this process. */
export const createApp = (config: StandaloneConfig, report: (line: string) => void): ChatServer => {
  const { modelName } = modelPlanOf(config);
  const { version } = manifest;
  const metrics = createMetrics({ version, model: modelName });
  const logger = createLogger({ level: config.logLevel, service: 'standalone', version });
  return createChatServer(config, {
    service: 'standalone',
    version,
    modelName,
    maxRequests: config.slots + config.maxWaiting,
    metrics,
    load: (context) =>
      loadModel(config, {
        ...context,
        metrics,
        onTrouble: (message, reason) => logger.error({ err: reason }, message),
      }),
    report,
  });
};
