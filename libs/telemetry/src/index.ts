export { createEngineMetrics, type EngineMetrics } from './engine-metrics.ts';
export { createLogger, LOG_LEVELS, type LogLevel } from './logger.ts';
export { measureChat } from './measure-chat.ts';
export { measureDecoder } from './measure-decoder.ts';
export { measureVisionEncoder } from './measure-vision-encoder.ts';
export { createMetrics, type Metrics } from './metrics.ts';
