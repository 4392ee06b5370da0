import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isFloatDType, widenToFloat32 } from './float32.ts';
import { invalidCheckpoint } from './invalid-checkpoint.ts';
import { parseJsonObject } from './json.ts';
import { readSafetensors } from './safetensors.ts';
import { ShardFile } from './shard-file.ts';
import { exists, findShards, readSmallFile } from './shard-names.ts';
import type { ShardContents, StoredTensor, TensorInfo } from './stored-tensor.ts';
import { readTorchArchive } from './torch-archive.ts';

/** Consecutive rows of a tensor; a row is one index of the first dimension, a scalar is one row. */
export interface RowRange {
  readonly firstRow: number;
  readonly rows: number;
}

/** Some rows of a tensor as raw little-endian bytes. */
export interface RowChunk extends RowRange {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An open checkpoint. Tensors are read from disk when asked for; every failure is `invalid_checkpoint`. */
export interface Checkpoint extends AsyncDisposable {
  readonly directory: string;
  /** Parsed `config.json`. */
  readonly config: unknown;
  /** Parsed `generation_config.json`, if there is one. */
  readonly generationConfig: unknown;
  /** Parsed `quantize_config.json`, in which AutoGPTQ says how it quantised, if there is one. */
  readonly quantizeConfig: unknown;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * SHA-256 in hex over `config.json`, `generation_config.json`, `quantize_config.json`, the index, and of every shard its name, size,
   * directory (safetensors header; zip directory with its checksums and pickle) and up to {@link SAMPLES} blocks of
   * {@link SAMPLE_BYTES} bytes spread over each tensor, first and last included. Copying or touching files does not
   * change it. A change confined to bytes between the blocks of a large safetensors tensor is not noticed.
   */
  identity(): Promise<string>;
  /** A float32, float16 or bfloat16 tensor, or rows of it, row-major; every value is converted exactly. */
  readFloat32(name: string, range?: RowRange): Promise<Float32Array<ArrayBuffer>>;
  /** A tensor of any type, or rows of it, as little-endian bytes. */
  readRaw(name: string, range?: RowRange): Promise<Uint8Array<ArrayBuffer>>;
  /** Every row in order, in chunks of at most `chunkBytes` (one row where a row is larger). */
  chunks(name: string, chunkBytes: number): AsyncIterable<RowChunk>;
  /** Closes the files; reading fails from then on. */
  close(): Promise<void>;
}

const CONVERT_BYTES = 4 * 1024 * 1024;
const SAMPLES = 8;
const SAMPLE_BYTES = 4096;

/**
 * Opens a Hugging Face checkpoint folder: `config.json`, and `model.safetensors` or `pytorch_model.bin`, single or
 * sharded with an index. Reads and checks every shard's directory, no tensor.
 *
 * @throws EideticError `invalid_checkpoint` naming file, tensor and reason.
 */
export async function openCheckpoint(directory: string): Promise<Checkpoint> {
  const config = await readSmallFile(directory, 'config.json');
  const generationConfig = await readOptional(directory, 'generation_config.json');
  const quantizeConfig = await readOptional(directory, 'quantize_config.json');
  const { format, shards: names, shardOf, indexBytes } = await findShards(directory);
  const hash = createHash('sha256');
  for (const bytes of [config, generationConfig, indexBytes]) addPart(hash, bytes ?? new Uint8Array());
  if (quantizeConfig !== undefined) addPart(hash, quantizeConfig);

  const shards: ShardFile[] = [];
  const stored = new Map<string, StoredTensor>();
  try {
    for (const name of names) {
      const shard = await ShardFile.open(join(directory, name));
      shards.push(shard);
      const contents = await (format === 'safetensors' ? readSafetensors(shard) : readTorchArchive(shard));
      addPart(hash, Buffer.from(`${name}\n${shard.sizeBytes}`));
      addPart(hash, contents.directoryBytes);
      collect(stored, contents, shardOf);
    }
    for (const [tensor, file] of shardOf ?? []) {
      if (!stored.has(tensor)) throw invalidCheckpoint({ file, tensor }, 'The index names it, the shard lacks it.');
    }
    return new OpenCheckpoint({
      directory,
      config: parseJsonObject(config, { file: 'config.json' }),
      generationConfig: generationConfig && parseJsonObject(generationConfig, { file: 'generation_config.json' }),
      quantizeConfig: quantizeConfig && parseJsonObject(quantizeConfig, { file: 'quantize_config.json' }),
      shards,
      stored,
      directoryDigest: hash.digest(),
    });
  } catch (error) {
    await Promise.all(shards.map((shard) => shard.close()));
    throw error;
  }
}

const readOptional = async (directory: string, name: string): Promise<Uint8Array | undefined> =>
  (await exists(join(directory, name))) ? await readSmallFile(directory, name) : undefined;

/** Adds a shard's tensors. With an index only what it names counts: nobody refers to the rest. */
function collect(
  stored: Map<string, StoredTensor>,
  { tensors }: ShardContents,
  shardOf: ReadonlyMap<string, string> | undefined,
): void {
  for (const tensor of tensors) {
    const { name: tensorName, file } = tensor.info;
    const expected = shardOf === undefined ? file : shardOf.get(tensorName);
    if (expected === file) stored.set(tensorName, tensor);
    else if (expected !== undefined) {
      throw invalidCheckpoint(
        { file, tensor: tensorName },
        `The index places it in ${expected}; only one may hold it.`,
      );
    }
  }
}

/** Length first, so that moving bytes from one part to the next changes the hash. */
function addPart(hash: ReturnType<typeof createHash>, bytes: Uint8Array): void {
  hash.update(`${bytes.length}\n`).update(bytes);
}

interface OpenFiles {
  readonly directory: string;
  readonly config: unknown;
  readonly generationConfig: unknown;
  readonly quantizeConfig: unknown;
  readonly shards: readonly ShardFile[];
  readonly stored: ReadonlyMap<string, StoredTensor>;
  readonly directoryDigest: Uint8Array;
}

class OpenCheckpoint implements Checkpoint {
  readonly directory: string;
  readonly config: unknown;
  readonly generationConfig: unknown;
  readonly quantizeConfig: unknown;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #files: OpenFiles;

  constructor(files: OpenFiles) {
    this.directory = files.directory;
    this.config = files.config;
    this.generationConfig = files.generationConfig;
    this.quantizeConfig = files.quantizeConfig;
    this.tensors = new Map(Array.from(files.stored, ([name, { info }]) => [name, info]));
    this.#files = files;
  }

  async identity(): Promise<string> {
    const hash = createHash('sha256').update(this.#files.directoryDigest);
    for (const { info, shard, offset } of this.#files.stored.values()) {
      const length = Math.min(SAMPLE_BYTES, info.sizeBytes);
      const samples = Math.min(SAMPLES, Math.ceil(info.sizeBytes / SAMPLE_BYTES));
      for (let i = 0; i < samples; i++) {
        const start = Math.floor(((info.sizeBytes - length) * i) / Math.max(1, samples - 1));
        hash.update(await shard.read(offset + start, length));
      }
    }
    return hash.digest('hex');
  }

  async readFloat32(name: string, range?: RowRange): Promise<Float32Array<ArrayBuffer>> {
    const { tensor, offset, length } = this.#locate(name, range);
    const { dtype } = tensor.info;
    if (!isFloatDType(dtype)) {
      throw invalidCheckpoint({ file: tensor.info.file, tensor: name }, `It holds ${dtype}; floats are needed here.`);
    }
    if (dtype === 'float32') {
      const target = new Float32Array(length / 4);
      await tensor.shard.readInto(new Uint8Array(target.buffer), offset);
      return target;
    }
    const target = new Float32Array(length / 2);
    const scratch = new Uint8Array(Math.min(length, CONVERT_BYTES));
    for (let done = 0; done < length; done += CONVERT_BYTES) {
      const part = scratch.subarray(0, Math.min(CONVERT_BYTES, length - done));
      await tensor.shard.readInto(part, offset + done);
      widenToFloat32(scratch.buffer, dtype, target.subarray(done / 2, (done + part.length) / 2));
    }
    return target;
  }

  async readRaw(name: string, range?: RowRange): Promise<Uint8Array<ArrayBuffer>> {
    const { tensor, offset, length } = this.#locate(name, range);
    return tensor.shard.read(offset, length);
  }

  async *chunks(name: string, chunkBytes: number): AsyncIterable<RowChunk> {
    const { totalRows, rowBytes } = this.#locate(name);
    const step = Math.max(1, Math.floor(chunkBytes / Math.max(1, rowBytes)));
    for (let firstRow = 0; firstRow < totalRows; firstRow += step) {
      const range = { firstRow, rows: Math.min(step, totalRows - firstRow) };
      yield { ...range, bytes: await this.readRaw(name, range) };
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.shards.map((shard) => shard.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #locate(name: string, range?: RowRange) {
    const tensor = this.#files.stored.get(name);
    if (tensor === undefined) {
      throw invalidCheckpoint({ file: this.directory, tensor: name }, 'The checkpoint has no such tensor.');
    }
    const { shape, sizeBytes, file } = tensor.info;
    const totalRows = shape[0] ?? 1;
    const { firstRow, rows } = range ?? { firstRow: 0, rows: totalRows };
    if (
      !Number.isSafeInteger(firstRow) ||
      !Number.isSafeInteger(rows) ||
      firstRow < 0 ||
      rows < 0 ||
      firstRow + rows > totalRows
    ) {
      const reason = `Rows ${firstRow} to ${firstRow + rows} were asked for; its shape is [${shape}].`;
      throw invalidCheckpoint({ file, tensor: name }, reason);
    }
    const rowBytes = totalRows === 0 ? 0 : sizeBytes / totalRows;
    return { tensor, totalRows, rowBytes, offset: tensor.offset + firstRow * rowBytes, length: rows * rowBytes };
  }
}
