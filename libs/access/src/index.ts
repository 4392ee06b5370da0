export { generateApiKey, hashApiKey } from './api-key.ts';
export { type ApiKeyEntry, formatKeyEntry, parseKeyFile } from './key-file.ts';
export type { Limiter, LimiterAnswer, Limits } from './limiter.ts';
export { createOpenAccess } from './open-access.ts';
export { openAccessControl } from './open-access-control.ts';
export { RedisLimiter, type RedisLimiterOptions } from './redis-limiter.ts';
export { ACCESS_SETTINGS, type AccessConfig } from './settings.ts';
