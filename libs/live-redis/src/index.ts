export { type CallFailure, LiveRedis, type LiveRedisOptions } from './live-redis.ts';
