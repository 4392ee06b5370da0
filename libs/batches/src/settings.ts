import { type ConfigDefinition, integer } from '@eidetic/config';

/** What batches may be, and how much of them is done at a time. */
export const BATCH_SETTINGS = {
  batchConcurrency: {
    name: 'EIDETIC_BATCH_CONCURRENCY',
    description: 'Requests of batches that this process has answered at a time; chats of people go before them.',
    kind: integer({ min: 1, max: 1000 }),
    default: '2',
  },
  maxBatchLines: {
    name: 'EIDETIC_MAX_BATCH_LINES',
    description: 'Most requests of one batch.',
    kind: integer({ min: 1, max: 1_000_000 }),
    default: '50000',
  },
  maxOpenBatches: {
    name: 'EIDETIC_BATCHES_PER_TENANT',
    description: 'Most batches of one tenant that have not ended.',
    kind: integer({ min: 0, max: 10_000 }),
    default: '32',
  },
} as const satisfies ConfigDefinition;
