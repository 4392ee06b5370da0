import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidCheckpoint } from './invalid-checkpoint.ts';
import { isJsonObject, parseJsonObject } from './json.ts';
import { ShardFile } from './shard-file.ts';

/** Which files hold the weights of a checkpoint. */
export interface ShardNames {
  readonly format: 'safetensors' | 'torch';
  /** In order of name. */
  readonly shards: readonly string[];
  /** Tensor name to shard name; absent when there is a single file and no index. */
  readonly shardOf?: ReadonlyMap<string, string>;
  /** The index as stored. */
  readonly indexBytes?: Uint8Array;
}

const MAX_JSON_BYTES = 32 * 1024 * 1024;
/** Every shard is kept open. */
const MAX_SHARDS = 512;

/** In the order in which Hugging Face's loader looks for them. */
const LAYOUTS = [
  { format: 'safetensors', single: 'model.safetensors', shard: /^[\w.-]+\.safetensors$/ },
  { format: 'torch', single: 'pytorch_model.bin', shard: /^[\w.-]+\.bin$/ },
] as const;

/** Finds the weight files of a checkpoint: single safetensors, sharded safetensors, single and sharded PyTorch. */
export async function findShards(directory: string): Promise<ShardNames> {
  for (const { format, single, shard } of LAYOUTS) {
    if (await exists(join(directory, single))) return { format, shards: [single] };
    const index = `${single}.index.json`;
    if (await exists(join(directory, index))) return { format, ...(await readIndex(directory, index, shard)) };
  }
  const names = LAYOUTS.flatMap(({ single }) => [single, `${single}.index.json`]);
  throw invalidCheckpoint(
    { file: directory },
    `The folder holds none of ${names.join(', ')}; name a checkpoint folder.`,
  );
}

async function readIndex(directory: string, file: string, shardPattern: RegExp): Promise<Omit<ShardNames, 'format'>> {
  const indexBytes = await readSmallFile(directory, file);
  const { weight_map: weightMap } = parseJsonObject(indexBytes, { file });
  if (!isJsonObject(weightMap)) throw invalidCheckpoint({ file }, 'weight_map is missing or not an object.');
  const shardOf = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(weightMap)) {
    // A shard is a plain name in the same folder: nothing that could lead elsewhere.
    if (typeof shard !== 'string' || !shardPattern.test(shard)) {
      throw invalidCheckpoint({ file, tensor }, `${JSON.stringify(shard)?.slice(0, 200)} is not a shard's file name.`);
    }
    shardOf.set(tensor, shard);
  }
  const shards = [...new Set(shardOf.values())].sort();
  if (shards.length === 0 || shards.length > MAX_SHARDS) {
    throw invalidCheckpoint({ file }, `weight_map names ${shards.length} shards; expected 1 to ${MAX_SHARDS}.`);
  }
  return { shards, shardOf, indexBytes };
}

/** Reads a JSON file of a checkpoint as bytes. */
export async function readSmallFile(directory: string, name: string): Promise<Uint8Array> {
  const file = await ShardFile.open(join(directory, name));
  try {
    if (file.sizeBytes > MAX_JSON_BYTES) {
      throw invalidCheckpoint(
        { file: name },
        `The file has ${file.sizeBytes} bytes; at most ${MAX_JSON_BYTES} are read.`,
      );
    }
    return await file.read(0, file.sizeBytes);
  } finally {
    await file.close();
  }
}

/** Whether a path can be reached; a broken link or a forbidden folder is reported when it is opened. */
export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
