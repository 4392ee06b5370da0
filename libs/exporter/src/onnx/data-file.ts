import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Memory pages: onnxruntime maps external data instead of copying it when its offset is a multiple of this. */
const ALIGNMENT = 4096;

/** What is read at once of what an earlier attempt wrote. */
const READ_BYTES = 8 * 1024 * 1024;

/** A tensor that lies in the file, and the file up to its end. */
interface WrittenPiece {
  readonly piece: string;
  readonly end: number;
  readonly sha256: string;
}

/** Remembers what has been written, also for an attempt after this one. */
export interface WriteLog {
  /** What an earlier attempt says of a piece, if that was the next one it wrote. */
  earlier(piece: string): WrittenPiece | undefined;
  /** The piece that {@link earlier} told of is there, every byte of it. */
  take(written: WrittenPiece): void;
  /** A piece has been written. */
  append(written: WrittenPiece): Promise<void>;
}

/** Writes tensors one after another, and hashes what it writes. */
export class DataFile {
  readonly name: string;
  readonly #handle: FileHandle;
  readonly #log: WriteLog | undefined;
  #hash = createHash('sha256');
  #position = 0;

  private constructor(name: string, handle: FileHandle, log: WriteLog | undefined) {
    this.name = name;
    this.#handle = handle;
    this.#log = log;
  }

  /**
   * Opens `path`; `name` is how the model file refers to it. What is in the file already counts as far as `log` knows of it and its checksum is
   * right; the rest is written over.
   */
  static async create(path: string, name: string, log?: WriteLog): Promise<DataFile> {
    return new DataFile(name, await open(path, constants.O_RDWR | constants.O_CREAT), log);
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#position;
  }

  /**
   * Appends one tensor, given in pieces, which are not asked for when the tensor is there from an earlier attempt.
   *
   * @param tensor Its name, of which there is one in the file.
   * @returns where it lies.
   */
  async append(
    tensor: string,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ offset: number; sizeBytes: number }> {
    const padding = (ALIGNMENT - (this.#position % ALIGNMENT)) % ALIGNMENT;
    const offset = this.#position + padding;
    const piece = `${this.name} ${tensor}`;
    if (!(await this.#takeEarlier(piece))) {
      await this.#write(new Uint8Array(padding));
      for await (const bytes of pieces) await this.#write(bytes);
      await this.#log?.append({ piece, end: this.#position, sha256: this.#hash.copy().digest('hex') });
    }
    return { offset, sizeBytes: this.#position - offset };
  }

  /** Flushes to the disk and closes; returns the sha256 (hex) of the whole file. */
  async finish(): Promise<string> {
    await this.#handle.truncate(this.#position);
    await this.#handle.sync();
    await this.#handle.close();
    return this.#hash.digest('hex');
  }

  /** Closes without finishing. */
  async abandon(): Promise<void> {
    await this.#handle.close();
  }

  /** Goes to the end of a piece of an earlier attempt, if it is in the file as the log says. */
  async #takeEarlier(piece: string): Promise<boolean> {
    const earlier = this.#log?.earlier(piece);
    if (earlier === undefined || earlier.end < this.#position) return false;
    const hash = this.#hash.copy();
    await this.#hashUpTo(earlier.end, hash);
    if (hash.copy().digest('hex') !== earlier.sha256) return false;
    this.#hash = hash;
    this.#position = earlier.end;
    this.#log?.take(earlier);
    return true;
  }

  async #hashUpTo(end: number, hash: Hash): Promise<void> {
    const buffer = new Uint8Array(Math.min(READ_BYTES, end - this.#position));
    for (let at = this.#position; at < end; ) {
      const { bytesRead } = await this.#handle.read(buffer, 0, Math.min(buffer.length, end - at), at);
      // The file is shorter than the log says: the checksum will differ.
      if (bytesRead === 0) return;
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.byteLength; ) {
      at += (await this.#handle.write(bytes, at, bytes.byteLength - at, this.#position + at)).bytesWritten;
    }
    this.#position += bytes.byteLength;
  }
}
