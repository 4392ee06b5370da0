import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Name of the journal in the folder that a conversion writes to; a finished bundle has none. */
export const JOURNAL_FILE = 'conversion.jsonl';

/** A tensor that has been written in full. */
export interface JournalEntry {
  /** The file, and the tensor in it. */
  readonly piece: string;
  /** Where the tensor ends in the file. */
  readonly end: number;
  /** Of the file up to there. */
  readonly sha256: string;
  /** Bytes of the checkpoint that had been read by then. */
  readonly doneBytes: number;
}

/**
 * What a conversion has written: a line that says of what, then one for each tensor in order. A conversion that was cut off finds there what
 * it need not make again. An entry is no proof: whoever takes one compares the file with its checksum.
 */
export class Journal implements AsyncDisposable {
  readonly #file: FileHandle;
  /** Lines of an earlier attempt that have not been taken yet. */
  #earlier: string[];
  /** Where the next line goes: behind those that were taken or written. */
  #position: number;

  private constructor(file: FileHandle, earlier: string[], position: number) {
    this.#file = file;
    this.#earlier = earlier;
    this.#position = position;
  }

  /** Opens the journal of a folder; a new one unless there is one of the same source. */
  static async open(directory: string, source: string): Promise<Journal> {
    const path = join(directory, JOURNAL_FILE);
    const [header = '', ...earlier] = await readLines(path);
    const file = await open(path, constants.O_RDWR | constants.O_CREAT);
    if (header === headerOf(source)) return new Journal(file, earlier, lengthOf(header));
    const journal = new Journal(file, [], 0);
    await journal.#write(headerOf(source));
    return journal;
  }

  /** Whether a folder holds what an earlier attempt at the same source wrote. */
  static async isOf(directory: string, source: string): Promise<boolean> {
    return (await readLines(join(directory, JOURNAL_FILE)))[0] === headerOf(source);
  }

  /** What an earlier attempt says of a piece, if that was the next one it wrote. */
  earlier(piece: string): JournalEntry | undefined {
    const [line] = this.#earlier;
    const entry = line === undefined ? undefined : parseEntry(line);
    return entry?.piece === piece ? entry : undefined;
  }

  /** Takes over the entry that {@link earlier} gave. */
  take(): void {
    this.#position += lengthOf(this.#earlier.shift() ?? '');
  }

  /** Notes that a piece is in its file; what an earlier attempt wrote from there on no longer counts. */
  async append(entry: JournalEntry): Promise<void> {
    this.#earlier = [];
    await this.#write(JSON.stringify(entry));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #write(line: string): Promise<void> {
    await this.#file.truncate(this.#position);
    await this.#file.write(`${line}\n`, this.#position);
    this.#position += lengthOf(line);
  }
}

const headerOf = (source: string): string => JSON.stringify({ source });

const lengthOf = (line: string): number => Buffer.byteLength(line) + 1;

/** The whole lines of a file; none if there is no such file. The last line may have been cut off. */
async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1);
}

/** An entry, unless the line is damaged. */
function parseEntry(line: string): JournalEntry | undefined {
  try {
    const { piece, end, sha256, doneBytes } = JSON.parse(line);
    const whole = Number.isSafeInteger(end) && Number.isSafeInteger(doneBytes);
    return whole && typeof piece === 'string' && typeof sha256 === 'string'
      ? { piece, end, sha256, doneBytes }
      : undefined;
  } catch {
    return undefined;
  }
}
