export { BATCH_ENDPOINTS, type Batch, type BatchEndpoint } from './batch.ts';
export { type Answer, type BatchObserver, BatchRunner, type BatchRunnerParts, type Execute } from './batch-runner.ts';
export { type BatchDraft, BatchService, type BatchServiceParts } from './batch-service.ts';
export type { BatchQueue, BatchStore, RunBatch } from './batch-store.ts';
export { DirectoryBatchStore } from './directory-batch-store.ts';
export { MemoryBatchQueue } from './memory-batch-queue.ts';
export { RedisBatchQueue } from './redis-batch-queue.ts';
export { RedisBatchStore } from './redis-batch-store.ts';
export { BATCH_SETTINGS } from './settings.ts';
