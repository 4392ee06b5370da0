import { EideticError } from '@eidetic/core';
import { fileTooLarge, noSuchFile } from './file-errors.ts';
import { isFileId, newFileId } from './file-id.ts';
import type { FilePurpose, FileRecord, PictureInfo } from './file-record.ts';
import type { FileQuota, FileStore, StagedFile } from './file-store.ts';

const DAY_MS = 24 * 3_600_000;

/** How long files for and of batches stay unless their owner says so; others stay until they are deleted. */
const BATCH_FILE_LIFETIME_MS = 30 * DAY_MS;

/** Told of files as they come and go, for metrics. It must not throw. */
export interface FileObserver {
  added(file: { readonly purpose: FilePurpose; readonly sizeBytes: number }): void;
  removed(files: { readonly count: number; readonly reason: 'deleted' | 'expired' }): void;
}

/** What a file service is made of. */
export interface FileServiceParts {
  readonly store: FileStore;
  readonly limits: { readonly maxFileBytes: number; readonly quota: FileQuota };
  readonly observer: FileObserver;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What is said of a file that comes. */
export interface FileDraft {
  readonly filename: string;
  readonly purpose: FilePurpose;
  /** Milliseconds from its creation; absent: what its purpose says. */
  readonly lifetimeMs?: number;
  readonly picture?: PictureInfo;
}

/** Which of a tenant's files are wanted. */
export interface FileQuery {
  readonly purpose?: FilePurpose | undefined;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** The file after which the list goes on. */
  readonly after?: string | undefined;
}

/** The files of tenants, each of whom sees their own only. */
export class FileService {
  readonly #parts: FileServiceParts;

  constructor(parts: FileServiceParts) {
    this.#parts = parts;
  }

  /**
   * Takes in the bytes of a file before anything is known of it.
   *
   * @throws EideticError `quota_exceeded`, `body_too_large`, `unavailable`; whatever `content` throws.
   */
  async stage(tenant: string, content: AsyncIterable<Uint8Array>): Promise<StagedFile> {
    const { store, limits } = this.#parts;
    const { files, bytes } = await store.usage(tenant);
    const room = files < limits.quota.maxFiles ? limits.quota.maxBytes - bytes : 0;
    if (room <= 0) {
      const kept = `${files} files of ${bytes} bytes together`;
      throw new EideticError('quota_exceeded', `You keep ${kept}, and there is no room for more; delete some of them.`);
    }
    const staged = await store.stage(content, limits.maxFileBytes);
    if (staged.sizeBytes > 0) return staged;
    await staged.discard();
    throw new EideticError('invalid_request', 'file: it is empty.', { details: { param: 'file' } });
  }

  /** @throws EideticError `quota_exceeded`, `unavailable` */
  async add(tenant: string, staged: StagedFile, draft: FileDraft): Promise<FileRecord> {
    const { limits } = this.#parts;
    return this.#commit(newFileId(), tenant, staged, draft, limits.quota);
  }

  /**
   * Writes what the server itself makes for a tenant, whatever they keep already; an id that is there is left as it is.
   *
   * @throws EideticError `unavailable`; whatever `content` throws.
   */
  async put(id: string, tenant: string, content: AsyncIterable<Uint8Array>, draft: FileDraft): Promise<FileRecord> {
    const present = await this.#parts.store.get(id);
    if (present !== undefined) return present;
    const staged = await this.#parts.store.stage(content, Number.MAX_SAFE_INTEGER);
    return this.#commit(id, tenant, staged, draft);
  }

  /** @throws EideticError `not_found`, also for a file of another tenant. */
  async get(tenant: string, id: string): Promise<FileRecord> {
    const file = isFileId(id) ? await this.#parts.store.get(id) : undefined;
    if (file === undefined || file.tenant !== tenant || this.#expired(file)) throw noSuchFile(id);
    return file;
  }

  /** @throws EideticError `invalid_request` when `after` is none of the tenant's files. */
  async list(tenant: string, { purpose, order, limit, after }: FileQuery) {
    const all = (await this.#parts.store.list(tenant)).filter((file) => !this.#expired(file));
    const sorted = order === 'asc' ? all : all.toReversed();
    const start = after === undefined ? 0 : sorted.findIndex(({ id }) => id === after) + 1;
    if (after !== undefined && start === 0) {
      throw new EideticError('invalid_request', 'after: there is no such file (any more).', {
        details: { param: 'after' },
      });
    }
    const wanted = sorted.slice(start).filter((file) => purpose === undefined || file.purpose === purpose);
    return { files: wanted.slice(0, limit), hasMore: wanted.length > limit };
  }

  /** @throws EideticError `not_found` */
  async read(tenant: string, id: string): Promise<{ file: FileRecord; content: AsyncIterable<Uint8Array> }> {
    const file = await this.get(tenant, id);
    return { file, content: this.#parts.store.read(id) };
  }

  /** @throws EideticError `not_found` */
  async remove(tenant: string, id: string): Promise<void> {
    await this.get(tenant, id);
    if (!(await this.#parts.store.remove(id))) throw noSuchFile(id);
    this.#parts.observer.removed({ count: 1, reason: 'deleted' });
  }

  /** Frees the room of files whose time is over. */
  async removeExpired(): Promise<void> {
    const count = await this.#parts.store.removeExpired(this.#parts.now());
    if (count > 0) this.#parts.observer.removed({ count, reason: 'expired' });
  }

  #expired({ expiresAtMs }: FileRecord): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= this.#parts.now();
  }

  async #commit(id: string, tenant: string, staged: StagedFile, draft: FileDraft, quota?: FileQuota) {
    const { now, observer } = this.#parts;
    const { filename, purpose, picture } = draft;
    const usual = purpose === 'batch' || purpose === 'batch_output' ? BATCH_FILE_LIFETIME_MS : undefined;
    const lifetimeMs = draft.lifetimeMs ?? usual;
    const createdAtMs = now();
    const record = {
      id,
      tenant,
      filename,
      purpose,
      createdAtMs,
      ...(lifetimeMs !== undefined && { expiresAtMs: createdAtMs + lifetimeMs }),
      ...(picture && { picture }),
    };
    try {
      const file = await staged.commit(record, quota);
      observer.added(file);
      return file;
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }
}

/**
 * All bytes of a file.
 *
 * @throws EideticError `body_too_large` for more than `maxBytes`; whatever `content` throws.
 */
export const readWhole = async (content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of content) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) throw fileTooLarge(maxBytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
};
