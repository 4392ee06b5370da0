import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** Memory pages: onnxruntime maps external data instead of copying it when its offset is a multiple of this. */
const ALIGNMENT = 4096;

/** Writes tensors one after another, and hashes what it writes. */
export class DataFile {
  readonly name: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  #position = 0;

  private constructor(name: string, handle: FileHandle) {
    this.name = name;
    this.#handle = handle;
  }

  /** Creates `path`; `name` is how the model file refers to it. */
  static async create(path: string, name: string): Promise<DataFile> {
    return new DataFile(name, await open(path, 'wx'));
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#position;
  }

  /** Appends one tensor, given in pieces; returns where it lies. */
  async append(
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ offset: number; sizeBytes: number }> {
    const padding = (ALIGNMENT - (this.#position % ALIGNMENT)) % ALIGNMENT;
    if (padding > 0) await this.#write(new Uint8Array(padding));
    const offset = this.#position;
    for await (const piece of pieces) await this.#write(piece);
    return { offset, sizeBytes: this.#position - offset };
  }

  /** Flushes to the disk and closes; returns the sha256 (hex) of the whole file. */
  async finish(): Promise<string> {
    await this.#handle.sync();
    await this.#handle.close();
    return this.#hash.digest('hex');
  }

  /** Closes without finishing. */
  async abandon(): Promise<void> {
    await this.#handle.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.byteLength; ) {
      at += (await this.#handle.write(bytes, at, bytes.byteLength - at)).bytesWritten;
    }
    this.#position += bytes.byteLength;
  }
}
