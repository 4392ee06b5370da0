import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { makeFolder } from '@eidetic/folders';
import { checkQuota, fileTooLarge, noSuchFile } from './file-errors.ts';
import { type FileRecord, fileRecordSchema } from './file-record.ts';
import type { FileQuota, FileStore, FileUsage, StagedFile } from './file-store.ts';

/** What is being written: never read by anyone, and removed at the next start. */
const PARTIAL = 'partial';
/** Others on this machine have no business with what people upload. */
const PRIVATE = 0o700;

/**
 * Files in a directory that this process has to itself: `<id>.data` with the bytes, `<id>.json` with the rest. A file is there
 * once its `.json` is, which is renamed into place last; what a crash leaves behind is removed by the next {@link open}.
 */
export class DirectoryFileStore implements FileStore {
  readonly #directory: string;
  readonly #files = new Map<string, FileRecord>();

  /** @throws EideticError `invalid_config` if the directory cannot be used. */
  static async open(directory: string): Promise<DirectoryFileStore> {
    const store = new DirectoryFileStore(directory);
    try {
      await store.#load();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new EideticError('invalid_config', `The files in ${directory} cannot be opened: ${reason}`, { cause });
    }
    return store;
  }

  private constructor(directory: string) {
    this.#directory = directory;
  }

  async stage(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StagedFile> {
    const path = this.#partialPath();
    try {
      const sizeBytes = await writeDurably(path, bounded(content, maxBytes));
      return {
        sizeBytes,
        read: () => createReadStream(path),
        commit: (record, quota) => this.#commit(path, { ...record, sizeBytes }, quota),
        discard: () => rm(path, { force: true }),
      };
    } catch (error) {
      await rm(path, { force: true });
      throw explain(error);
    }
  }

  async get(id: string): Promise<FileRecord | undefined> {
    return this.#files.get(id);
  }

  async list(tenant: string): Promise<readonly FileRecord[]> {
    return this.#filesOf(tenant).toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }

  async *read(id: string): AsyncGenerator<Uint8Array> {
    if (!this.#files.has(id)) throw noSuchFile(id);
    yield* createReadStream(this.#path(id, 'data'));
  }

  async remove(id: string): Promise<boolean> {
    if (!this.#files.delete(id)) return false;
    await rm(this.#path(id, 'json'), { force: true });
    await rm(this.#path(id, 'data'), { force: true });
    return true;
  }

  async usage(tenant: string): Promise<FileUsage> {
    return this.#usageOf(tenant);
  }

  async removeExpired(nowMs: number): Promise<number> {
    const due = [...this.#files.values()].filter(({ expiresAtMs = Number.POSITIVE_INFINITY }) => expiresAtMs <= nowMs);
    for (const { id } of due) await this.remove(id);
    return due.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is open between two calls.
  }

  async #commit(partial: string, record: FileRecord, quota?: FileQuota): Promise<FileRecord> {
    const present = this.#files.get(record.id);
    if (present === undefined) {
      if (quota) checkQuota(this.#usageOf(record.tenant), record.sizeBytes, quota);
      // From here on others count it.
      this.#files.set(record.id, record);
      try {
        await rename(partial, this.#path(record.id, 'data'));
        const json = this.#partialPath();
        await writeDurably(json, [Buffer.from(JSON.stringify(record))]);
        await rename(json, this.#path(record.id, 'json'));
        await syncDirectory(this.#directory);
      } catch (error) {
        this.#files.delete(record.id);
        throw explain(error);
      }
    } else {
      await rm(partial, { force: true });
    }
    return present ?? record;
  }

  #filesOf(tenant: string): FileRecord[] {
    return [...this.#files.values()].filter((file) => file.tenant === tenant);
  }

  #usageOf(tenant: string): FileUsage {
    const files = this.#filesOf(tenant);
    return { files: files.length, bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }

  async #load(): Promise<void> {
    await rm(join(this.#directory, PARTIAL), { recursive: true, force: true });
    await makeFolder(join(this.#directory, PARTIAL), PRIVATE);
    const names = await readdir(this.#directory);
    for (const name of names.filter((each) => each.endsWith('.json'))) {
      const text = await readFile(join(this.#directory, name), 'utf8');
      const record: FileRecord = fileRecordSchema.parse(JSON.parse(text));
      this.#files.set(record.id, record);
    }
    const orphans = names.filter((name) => name.endsWith('.data') && !this.#files.has(name.slice(0, -'.data'.length)));
    for (const name of orphans) await unlink(join(this.#directory, name));
  }

  #path(id: string, kind: 'data' | 'json'): string {
    return join(this.#directory, `${id}.${kind}`);
  }

  #partialPath(): string {
    return join(this.#directory, PARTIAL, randomUUID());
  }
}

async function* bounded(content: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const piece of content) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) throw fileTooLarge(maxBytes);
    yield piece;
  }
}

/** Resolves to the number of bytes once they would survive a power cut. */
async function writeDurably(path: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
  const file = await open(path, 'wx');
  try {
    let sizeBytes = 0;
    for await (const piece of content) {
      await writeAll(file, piece);
      sizeBytes += piece.length;
    }
    await file.sync();
    return sizeBytes;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) offset += (await file.write(bytes, offset)).bytesWritten;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A full disk is no fault of who uploads, and may be over soon. */
function explain(reason: unknown): unknown {
  const code = reason instanceof Error && 'code' in reason ? reason.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new EideticError('unavailable', 'The disk of this server is full; try again later.', { cause: reason });
  }
  return reason;
}
