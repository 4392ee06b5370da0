export { MemoryEncodeQueue, type MemoryEncodeQueueOptions } from './memory-encode-queue.ts';
export { NO_OBSERVER } from './no-observer.ts';
export {
  DEFAULT_LOCKS,
  type LockPolicy,
  RedisEncodeConsumer,
  type RedisEncodeConsumerOptions,
} from './redis-encode-consumer.ts';
export { RedisEncodeProducer, type RedisEncodeProducerOptions } from './redis-encode-producer.ts';
export { DEFAULT_RETRY, type RetryPolicy } from './retry-policy.ts';
