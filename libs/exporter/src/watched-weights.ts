import { type Checkpoint, DTYPE_BYTES, type RowRange, type TensorInfo } from '@eidetic/checkpoint';
import { EideticError } from '@eidetic/core';
import type { WeightSource } from './family.ts';

/** Where a conversion stands. */
export interface ConvertProgress {
  readonly part: 'vision' | 'decoder' | 'embeddings';
  /** Bytes of checkpoint tensors read so far, and in all. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Of those done, the bytes that an earlier attempt had read. */
  readonly earlierBytes: number;
}

/** A checkpoint's weights; reports what is read of them, and stops reading once the conversion is cancelled. */
export class WatchedWeights implements WeightSource {
  /** The part being written. */
  part: ConvertProgress['part'] = 'vision';
  readonly config: unknown;
  readonly generationConfig: unknown;
  readonly quantizeConfig: unknown;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Folder of the checkpoint. */
  readonly directory: string;
  readonly #checkpoint: Checkpoint;
  readonly #onProgress: ((progress: ConvertProgress) => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #totalBytes: number;
  #doneBytes = 0;
  #earlierBytes = 0;

  constructor(
    checkpoint: Checkpoint,
    { onProgress, signal }: { onProgress?: (progress: ConvertProgress) => void; signal?: AbortSignal },
  ) {
    this.config = checkpoint.config;
    this.generationConfig = checkpoint.generationConfig;
    this.quantizeConfig = checkpoint.quantizeConfig;
    this.tensors = checkpoint.tensors;
    this.directory = checkpoint.directory;
    this.#checkpoint = checkpoint;
    this.#onProgress = onProgress;
    this.#signal = signal;
    this.#totalBytes = checkpoint.tensors.values().reduce((sum, tensor) => sum + tensor.sizeBytes, 0);
  }

  /** Bytes of checkpoint tensors read so far. */
  get doneBytes(): number {
    return this.#doneBytes;
  }

  /** An earlier attempt got as far as `doneBytes`, and what it wrote is there. */
  skipTo(doneBytes: number): void {
    this.checkCancelled();
    const skipped = Math.max(0, doneBytes - this.#doneBytes);
    this.#earlierBytes += skipped;
    this.#count(skipped);
  }

  /** @throws EideticError `cancelled` once the conversion is. */
  checkCancelled(): void {
    if (this.#signal?.aborted) throw EideticError.from(this.#signal.reason);
  }

  async readFloat32(name: string, range?: RowRange): Promise<Float32Array<ArrayBuffer>> {
    this.checkCancelled();
    const data = await this.#checkpoint.readFloat32(name, range);
    this.#count(data.length * DTYPE_BYTES[this.tensors.get(name)?.dtype ?? 'float32']);
    return data;
  }

  async readRaw(name: string, range?: RowRange): Promise<Uint8Array<ArrayBuffer>> {
    this.checkCancelled();
    const data = await this.#checkpoint.readRaw(name, range);
    this.#count(data.length);
    return data;
  }

  #count(bytes: number): void {
    // Tensors that are read twice (position tables) must not take the bar past its end.
    this.#doneBytes = Math.min(this.#doneBytes + bytes, this.#totalBytes);
    this.#onProgress?.({
      part: this.part,
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      earlierBytes: this.#earlierBytes,
    });
  }
}
