import { appendFile, type FileHandle, open, readFile, rename, truncate } from 'node:fs/promises';
import { z } from 'zod';
import { type Batch, batchSchema, hasEnded, isGood, type LineResult, lineResultSchema } from './batch.ts';

const entrySchema = z.union([z.object({ batch: batchSchema }), z.object({ line: z.int(), result: lineResultSchema })]);

/** Where a result is in the file. */
interface Place {
  readonly offset: number;
  readonly length: number;
}

/**
 * The file of one batch: JSON lines, each the batch as it was from then on, or the result of a line of it. What is appended is on
 * the disk before it counts; an entry that a crash cut off is the last, and is dropped. A batch that has ended is its only line.
 */
export class Journal {
  readonly #path: string;
  readonly #places = new Map<number, Place>();
  #batch: Batch;
  #sizeBytes = 0;
  /** Of the last of the writes, which come one after the other. */
  #written: Promise<void> = Promise.resolve();

  /**
   * Reads it; undefined if a crash left nothing of use.
   *
   * @throws Error for a line before the last that is not an entry.
   */
  static async open(path: string): Promise<Journal | undefined> {
    const bytes = await readFile(path);
    let journal: Journal | undefined;
    let offset = 0;
    for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', offset)) {
      const entry = entrySchema.parse(JSON.parse(bytes.toString('utf8', offset, end)));
      const length = end + 1 - offset;
      if ('batch' in entry) {
        journal ??= new Journal(path, entry.batch);
        journal.#enter(entry.batch);
      } else if (journal !== undefined) {
        journal.#count(entry.line, entry.result, { offset, length });
      }
      offset += length;
    }
    if (offset < bytes.length) await truncate(path, offset);
    if (journal !== undefined) journal.#sizeBytes = offset;
    return journal;
  }

  /** A batch that is in no file yet. */
  constructor(path: string, batch: Batch) {
    this.#path = path;
    this.#batch = batch;
  }

  get batch(): Batch {
    return this.#batch;
  }

  /** The batch is like this from now on, but for its counts. */
  write(batch: Batch): Promise<void> {
    this.#enter(batch);
    return this.#next(async () => {
      const line = toLine({ batch: this.#batch });
      if (!hasEnded(this.#batch)) return this.#append(line);
      const whole = `${this.#path}.new`;
      await writeThrough(whole, 'w', line);
      await rename(whole, this.#path);
      this.#places.clear();
    });
  }

  /** False if the line has a result. */
  async record(line: number, result: LineResult): Promise<boolean> {
    if (this.#places.has(line) || hasEnded(this.#batch)) return false;
    const entry = toLine({ line, result });
    // From here on it is taken; where it is becomes known when it is written.
    this.#places.set(line, { offset: 0, length: 0 });
    await this.#next(async () => {
      const place = { offset: this.#sizeBytes, length: entry.length };
      try {
        await this.#append(entry);
      } catch (error) {
        this.#places.delete(line);
        throw error;
      }
      this.#count(line, result, place);
    });
    return true;
  }

  /** Lines whose result is written. */
  lines(): ReadonlySet<number> {
    return new Set(this.#places.keys());
  }

  /** Results, by line. */
  async *results(): AsyncGenerator<LineResult> {
    await this.settled();
    const places = [...this.#places].toSorted(([a], [b]) => a - b);
    if (places.length === 0) return;
    const file = await open(this.#path, 'r');
    try {
      for (const [, place] of places) yield await readResult(file, place);
    } finally {
      await file.close();
    }
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#written.catch(() => undefined);
  }

  #enter(batch: Batch): void {
    const { completed, failed } = this.#batch;
    // An entry of the file may be about a batch whose lines were dropped: it has the counts.
    this.#batch = hasEnded(batch) && this.#places.size === 0 ? batch : { ...batch, completed, failed };
  }

  #count(line: number, result: LineResult, place: Place): void {
    this.#places.set(line, place);
    const { completed, failed } = this.#batch;
    const good = isGood(result);
    this.#batch = { ...this.#batch, completed: completed + Number(good), failed: failed + Number(!good) };
  }

  async #append(line: Buffer): Promise<void> {
    try {
      await writeThrough(this.#path, 'a', line);
      this.#sizeBytes += line.length;
    } catch (error) {
      // Half an entry would spoil the next one.
      await truncate(this.#path, this.#sizeBytes).catch(() => undefined);
      throw error;
    }
  }

  #next(write: () => Promise<void>): Promise<void> {
    const written = this.#written.catch(() => undefined).then(write);
    this.#written = written;
    return written;
  }
}

const toLine = (entry: z.input<typeof entrySchema>): Buffer => Buffer.from(`${JSON.stringify(entry)}\n`);

const writeThrough = (path: string, flag: 'a' | 'w', line: Buffer): Promise<void> =>
  appendFile(path, line, { flag, flush: true, mode: 0o600 });

const readResult = async (file: FileHandle, { offset, length }: Place): Promise<LineResult> => {
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
  const { result } = z.object({ result: lineResultSchema }).parse(JSON.parse(buffer.toString('utf8')));
  return result;
};
