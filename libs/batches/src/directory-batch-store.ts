import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { makeFolder } from '@eidetic/folders';
import { type Batch, hasEnded, type LineResult } from './batch.ts';
import { noSuchBatch, tooManyBatches } from './batch-errors.ts';
import type { BatchStore } from './batch-store.ts';
import { Journal } from './journal.ts';

/** Others on this machine have no business with what people ask. */
const PRIVATE = 0o700;

/** Batches in a directory that this process has to itself: a journal for each, to which whatever happens is appended. */
export class DirectoryBatchStore implements BatchStore {
  readonly #directory: string;
  readonly #journals = new Map<string, Journal>();

  /** @throws EideticError `invalid_config` if the directory cannot be used. */
  static async open(directory: string): Promise<DirectoryBatchStore> {
    const store = new DirectoryBatchStore(directory);
    try {
      await makeFolder(directory, PRIVATE);
      for (const name of await readdir(directory)) await store.#load(join(directory, name));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new EideticError('invalid_config', `The batches in ${directory} cannot be opened: ${reason}`, { cause });
    }
    return store;
  }

  private constructor(directory: string) {
    this.#directory = directory;
  }

  async add(batch: Batch, maxOpen: number): Promise<void> {
    const open = this.#batches().filter((each) => each.tenant === batch.tenant && !hasEnded(each));
    if (open.length >= maxOpen) throw tooManyBatches(maxOpen);
    const journal = new Journal(join(this.#directory, `${batch.id}.jsonl`), batch);
    this.#journals.set(batch.id, journal);
    await journal.write(batch);
  }

  async get(id: string): Promise<Batch | undefined> {
    return this.#journals.get(id)?.batch;
  }

  async list(tenant: string): Promise<readonly Batch[]> {
    return this.#batches().filter((batch) => batch.tenant === tenant);
  }

  async change(id: string, next: (batch: Batch) => Batch): Promise<Batch> {
    const journal = this.#journal(id);
    const batch = next(journal.batch);
    if (batch !== journal.batch) await journal.write(batch);
    return batch;
  }

  async record(id: string, line: number, result: LineResult): Promise<boolean> {
    return this.#journal(id).record(line, result);
  }

  async recorded(id: string): Promise<ReadonlySet<number>> {
    return this.#journal(id).lines();
  }

  results(id: string): AsyncIterable<LineResult> {
    return this.#journal(id).results();
  }

  async open(): Promise<readonly string[]> {
    return this.#batches()
      .filter((batch) => !hasEnded(batch))
      .map(({ id }) => id);
  }

  async removeEnded(beforeMs: number): Promise<void> {
    for (const { id, endedAtMs = Number.POSITIVE_INFINITY } of this.#batches()) {
      if (endedAtMs >= beforeMs) continue;
      this.#journals.delete(id);
      await rm(join(this.#directory, `${id}.jsonl`), { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#journals.values()].map((journal) => journal.settled()));
  }

  async #load(path: string): Promise<void> {
    const journal = path.endsWith('.jsonl') ? await Journal.open(path) : undefined;
    if (journal === undefined) await rm(path);
    else this.#journals.set(journal.batch.id, journal);
  }

  #journal(id: string): Journal {
    const journal = this.#journals.get(id);
    if (journal === undefined) throw noSuchBatch(id);
    return journal;
  }

  #batches(): Batch[] {
    const batches = [...this.#journals.values()].map(({ batch }) => batch);
    return batches.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }
}
