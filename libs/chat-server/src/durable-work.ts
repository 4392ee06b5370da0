import { type BatchQueue, BatchRunner, BatchService, type BatchStore } from '@eidetic/batches';
import type { ChatService } from '@eidetic/chat';
import { FileService, type FileStore } from '@eidetic/files';
import { createExecute } from '@eidetic/openai';
import type { BatchMetrics, FileMetrics } from '@eidetic/telemetry';
import type { FastifyBaseLogger } from 'fastify';
import type { ChatServerConfig } from './settings.ts';

/** Where what outlives requests is kept. */
export interface Stores {
  readonly files: FileStore;
  readonly batches: BatchStore;
  readonly batchQueue: BatchQueue;
}

/** What batches are run with. */
export interface DurableWorkParts {
  readonly chat: ChatService;
  readonly metrics: { readonly files: FileMetrics; readonly batches: BatchMetrics };
  readonly logger: FastifyBaseLogger;
}

/** Time between two looks for what has expired, and for batches that are in no queue. */
const SWEEP_MS = 60_000;
/** Time between two looks whether a running batch was cancelled. */
const LOOK_MS = 1000;

/** Files and batches of tenants: what goes on between requests. */
export class DurableWork {
  readonly files: FileService;
  readonly batches: BatchService;
  readonly #runner: BatchRunner;
  readonly #logger: FastifyBaseLogger;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(stores: Stores, config: ChatServerConfig, { chat, metrics, logger }: DurableWorkParts) {
    const { maxFileBytes, maxFiles, maxFilesBytes, maxOpenBatches, maxBatchLines, maxBodyBytes, batchConcurrency } =
      config;
    this.#logger = logger;
    const now = Date.now;
    const files = new FileService({
      store: stores.files,
      limits: { maxFileBytes, quota: { maxFiles, maxBytes: maxFilesBytes } },
      observer: metrics.files,
      now,
    });
    this.files = files;
    const shared = { store: stores.batches, queue: stores.batchQueue, files, observer: metrics.batches, now };
    this.batches = new BatchService({ ...shared, maxOpen: maxOpenBatches });
    this.#runner = new BatchRunner({
      ...shared,
      execute: createExecute({ chat, files: () => files }, config, logger),
      limits: { maxLines: maxBatchLines, maxLineBytes: maxBodyBytes, concurrency: batchConcurrency },
      lookMs: LOOK_MS,
    });
  }

  /** Goes on with what was left. To be called once chats are answered. */
  async start(): Promise<void> {
    this.#sweeping = setInterval(() => void this.#sweep(), SWEEP_MS);
    await this.#runner.start();
  }

  /** Begins nothing more; resolves when the lines of batches that run have ended. */
  async drain(): Promise<void> {
    clearInterval(this.#sweeping);
    await this.#runner.close();
  }

  async #sweep(): Promise<void> {
    try {
      await this.files.removeExpired();
      await this.batches.removeEnded();
      await this.#runner.enqueue();
    } catch (error) {
      this.#logger.warn({ err: error }, 'What has expired was not removed.');
    }
  }
}
