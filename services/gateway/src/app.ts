import { type ChatServer, createChatServer } from '@eidetic/chat-server';
import { modelPlanOf } from '@eidetic/model-loader';
import { createLogger } from '@eidetic/telemetry';
import manifest from '../package.json' with { type: 'json' };
import type { GatewayConfig } from './config.ts';
import { loadGateway } from './load-gateway.ts';
import { createMetrics } from './metrics.ts';

/** Puts the gateway together: a chat server over vision encoders and decoders in other processes. */
export const createApp = (config: GatewayConfig, report: (line: string) => void): ChatServer => {
  const { modelName } = modelPlanOf(config);
  const { version } = manifest;
  const metrics = createMetrics({ version, model: modelName });
  const logger = createLogger({ level: config.logLevel, service: 'gateway', version });
  return createChatServer(config, {
    service: 'gateway',
    version,
    modelName,
    maxRequests: config.maxRequests,
    metrics,
    load: (context) =>
      loadGateway(config, {
        ...context,
        metrics,
        onTrouble: (message, reason) => logger.warn({ ...(reason && { err: reason }) }, message),
      }),
    report,
  });
};
