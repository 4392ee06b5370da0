export { createCacheMetrics, type MeasuredCache } from './cache-metrics.ts';
export { type ChatMetrics, createChatMetrics } from './chat-metrics.ts';
export { createEngineMetrics, type EngineMetrics } from './engine-metrics.ts';
export { createHttpMetrics, type HttpMetrics } from './http-metrics.ts';
export { createImageMetrics, type ImageMetrics } from './image-metrics.ts';
export { createLogger, LOG_LEVELS, type LogLevel } from './logger.ts';
export { measureChat } from './measure-chat.ts';
export { measureVisionEncoder } from './measure-vision-encoder.ts';
export { type Build, createRegistry, type Registry } from './registry.ts';
