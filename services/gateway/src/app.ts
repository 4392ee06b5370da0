import { RedisLimiter } from '@eidetic/access';
import { type ChatServer, createChatServer } from '@eidetic/chat-server';
import type { AccessObserver } from '@eidetic/core';
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
  const onTrouble = (message: string, reason?: Error): void => logger.warn({ ...(reason && { err: reason }) }, message);
  const limiter = (observer: AccessObserver): RedisLimiter =>
    new RedisLimiter({
      // That of the queue, which forgets nothing: a limit that may be evicted is none.
      url: config.queueRedisUrl,
      prefix: config.queuePrefix,
      leaseMs: config.keyLeaseMs,
      observer,
      onConnection: (connected, reason) =>
        onTrouble(
          connected
            ? 'The Redis of limits is connected.'
            : 'The Redis of limits is not connected: this gateway keeps the limits of API keys by itself.',
          reason,
        ),
    });
  return createChatServer(config, {
    service: 'gateway',
    version,
    modelName,
    maxRequests: config.maxRequests,
    metrics,
    ...(config.apiKeysFile !== undefined && { limiter }),
    load: (context) =>
      loadGateway(config, {
        ...context,
        metrics,
        onTrouble,
      }),
    report,
  });
};
