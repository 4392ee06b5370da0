import type { FileRecord } from './file-record.ts';

/** What a tenant may keep. */
export interface FileQuota {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

/** What a tenant keeps. */
export interface FileUsage {
  readonly files: number;
  readonly bytes: number;
}

/** Bytes that are whole and kept, but not yet a file. */
export interface StagedFile {
  readonly sizeBytes: number;
  read(): AsyncIterable<Uint8Array>;
  /**
   * Makes them a file, which survives from then on whatever happens to this process. An id that is there already keeps what it has.
   *
   * @throws EideticError `quota_exceeded` if the tenant would keep more than `quota`; `unavailable`.
   */
  commit(record: Omit<FileRecord, 'sizeBytes'>, quota?: FileQuota): Promise<FileRecord>;
  /** Lets go of them; nothing happens if they are a file by now. */
  discard(): Promise<void>;
}

/** Keeps files: each is there whole, or not at all. It has no clock: what has expired is there until {@link removeExpired}. */
export interface FileStore extends AsyncDisposable {
  /**
   * Takes bytes in, a piece at a time.
   *
   * @throws EideticError `body_too_large` after more than `maxBytes`; `unavailable` when there is no room or no server; whatever `content` throws.
   */
  stage(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StagedFile>;
  get(id: string): Promise<FileRecord | undefined>;
  /** A tenant's files, the oldest first. */
  list(tenant: string): Promise<readonly FileRecord[]>;
  /** @throws EideticError `not_found` before the first piece, when there is no such file (any more). */
  read(id: string): AsyncIterable<Uint8Array>;
  /** False if there is no such file. */
  remove(id: string): Promise<boolean>;
  usage(tenant: string): Promise<FileUsage>;
  /** Removes what expired until then; resolves to how many that were. */
  removeExpired(nowMs: number): Promise<number>;
}
