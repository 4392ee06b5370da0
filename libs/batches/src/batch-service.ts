import { randomBytes } from 'node:crypto';
import { EideticError } from '@eidetic/core';
import type { FileService } from '@eidetic/files';
import { type Batch, type BatchEndpoint, hasEnded } from './batch.ts';
import { noSuchBatch } from './batch-errors.ts';
import type { BatchObserver } from './batch-runner.ts';
import type { BatchQueue, BatchStore } from './batch-store.ts';

const HOUR_MS = 3_600_000;

/** The only window that there is: 24 hours. */
const WINDOW_MS = 24 * HOUR_MS;
/** How long a batch can be asked for once it has ended: as long as its files, by default. */
const KEPT_MS = 30 * 24 * HOUR_MS;

/** What a batch service is made of. */
export interface BatchServiceParts {
  readonly store: BatchStore;
  readonly queue: BatchQueue;
  readonly files: FileService;
  /** Most batches of one tenant that have not ended. */
  readonly maxOpen: number;
  readonly observer: BatchObserver;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What is asked for. */
export interface BatchDraft {
  readonly endpoint: BatchEndpoint;
  readonly inputFileId: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly outputLifetimeMs?: number;
}

/** The batches of tenants, each of whom sees their own only. */
export class BatchService {
  readonly #parts: BatchServiceParts;

  constructor(parts: BatchServiceParts) {
    this.#parts = parts;
  }

  /** @throws EideticError `invalid_request` for a file that is not there, or no batch's; `quota_exceeded`, `unavailable`. */
  async create(tenant: string, draft: BatchDraft): Promise<Batch> {
    const { store, queue, files, maxOpen, observer, now } = this.#parts;
    const refuse = (problem: string): EideticError =>
      new EideticError('invalid_request', `input_file_id: ${problem}.`, { details: { param: 'input_file_id' } });
    const file = await files.get(tenant, draft.inputFileId).catch((reason: unknown) => {
      throw EideticError.from(reason).code === 'not_found' ? refuse('there is no such file (any more)') : reason;
    });
    if (file.purpose !== 'batch') throw refuse(`the purpose of this file is "${file.purpose}"; upload it for "batch"`);
    const createdAtMs = now();
    const batch: Batch = {
      id: `batch_${randomBytes(16).toString('hex')}`,
      tenant,
      ...draft,
      metadata: draft.metadata && { ...draft.metadata },
      status: 'validating',
      createdAtMs,
      expiresAtMs: createdAtMs + WINDOW_MS,
      total: 0,
      completed: 0,
      failed: 0,
    };
    await store.add(batch, maxOpen);
    observer.entered('validating');
    await queue.add(batch.id);
    return batch;
  }

  /** @throws EideticError `not_found`, also for a batch of another tenant. */
  async get(tenant: string, id: string): Promise<Batch> {
    const batch = await this.#parts.store.get(id);
    if (batch === undefined || batch.tenant !== tenant) throw noSuchBatch(id);
    return batch;
  }

  /** The newest first. @throws EideticError `invalid_request` when `after` is none of the tenant's. */
  async list(tenant: string, { limit, after }: { readonly limit: number; readonly after?: string | undefined }) {
    const all = (await this.#parts.store.list(tenant)).toReversed();
    const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
    if (after !== undefined && start === 0) {
      throw new EideticError('invalid_request', 'after: there is no such batch (any more).', {
        details: { param: 'after' },
      });
    }
    return { batches: all.slice(start, start + limit), hasMore: all.length > start + limit };
  }

  /** Lets it end with what is done. @throws EideticError `not_found`; `invalid_request` if it has ended. */
  async cancel(tenant: string, id: string): Promise<Batch> {
    const { store, observer, now } = this.#parts;
    await this.get(tenant, id);
    const batch = await store.change(id, (current) => {
      if (hasEnded(current)) {
        throw new EideticError('invalid_request', `This batch is ${current.status}; there is nothing to cancel.`);
      }
      return { ...current, status: 'cancelling', cancellingAtMs: current.cancellingAtMs ?? now() };
    });
    observer.entered('cancelling');
    return batch;
  }

  /** Forgets what ended long ago. */
  async removeEnded(): Promise<void> {
    await this.#parts.store.removeEnded(this.#parts.now() - KEPT_MS);
  }
}
