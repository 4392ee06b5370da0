import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { invalidCheckpoint } from './invalid-checkpoint.ts';

/** Most bytes asked of the operating system at once. */
const READ_BYTES = 64 * 1024 * 1024;

/** An open file of a checkpoint, read by position; never held in memory as a whole. */
export class ShardFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;

  private constructor(name: string, sizeBytes: number, handle: FileHandle) {
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.#handle = handle;
  }

  /** @throws EideticError `invalid_checkpoint` if there is no such regular file or it may not be read. */
  static async open(path: string): Promise<ShardFile> {
    const name = basename(path);
    try {
      // Asked before opening: opening a named pipe would wait for a writer.
      if (!(await stat(path)).isFile()) throw new Error('not a regular file');
      const handle = await open(path);
      try {
        return new ShardFile(name, (await handle.stat()).size, handle);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      throw invalidCheckpoint({ file: name }, `Cannot open the file (${reasonOf(error)}).`, error);
    }
  }

  /** Reads exactly `length` bytes that begin at `offset`. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    // Checked first, so that a false length in a file cannot ask for an absurd buffer.
    this.#checkRange(offset, length);
    const target = new Uint8Array(length);
    await this.readInto(target, offset);
    return target;
  }

  /** Fills `target` with the bytes that begin at `offset`. */
  async readInto(target: Uint8Array<ArrayBuffer>, offset: number): Promise<void> {
    this.#checkRange(offset, target.length);
    let done = 0;
    while (done < target.length) {
      const length = Math.min(target.length - done, READ_BYTES);
      const { bytesRead } = await this.#handle.read(target, done, length, offset + done).catch((error: unknown) => {
        throw invalidCheckpoint({ file: this.name }, `Reading failed (${reasonOf(error)}).`, error);
      });
      if (bytesRead === 0) {
        throw invalidCheckpoint({ file: this.name }, `The file ended at byte ${offset + done}; it was cut while open.`);
      }
      done += bytesRead;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #checkRange(offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.sizeBytes)) {
      const reason = `Bytes ${offset} to ${offset + length} lie outside the file of ${this.sizeBytes} bytes; it is truncated or corrupt.`;
      throw invalidCheckpoint({ file: this.name }, reason);
    }
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
