import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '@eidetic/qwen-vl';
import { expectedTensors, specialTokenIds } from '@eidetic/qwen-vl/export';
import { generationConfig } from './full-size.ts';
import { RandomWeights, spreadOf } from './random-weights.ts';
import { writeSafetensorsShard } from './safetensors-shard.ts';
import { elementsOf, SHARD_BYTES, sizeOf, splitIntoShards } from './shards.ts';
import { syntheticRanks } from './synthetic-ranks.ts';
import { type BytesOf, writeTorchShard } from './torch-shard.ts';

/** What to write. */
export interface CheckpointOptions {
  /** Content of `config.json`. */
  readonly config: unknown;
  /** PyTorch's `.bin` files, as published, or safetensors; default torch. */
  readonly format?: 'torch' | 'safetensors';
  /** `raw` is the base model; default chatml. */
  readonly chatFormat?: 'chatml' | 'raw';
  /** The same seed gives the same weights; default 1. */
  readonly seed?: number;
  /** Most bytes of tensors in a file; default {@link SHARD_BYTES}. */
  readonly shardBytes?: number;
  /** Receives the name of each file that is there. */
  readonly onFile?: (name: string) => void;
}

const FORMATS = {
  torch: { single: 'pytorch_model', extension: 'bin', write: writeTorchShard },
  safetensors: { single: 'model', extension: 'safetensors', write: writeSafetensorsShard },
} as const;

/**
 * Writes a checkpoint of the Qwen-VL family with random bfloat16 weights into `directory`, in the layout in which Qwen-VL and Qwen-VL-Chat are
 * published: `config.json`, `generation_config.json`, `qwen.tiktoken`, an index, shards in which layers straddle. Takes as long as the disk.
 *
 * @throws EideticError `invalid_checkpoint` when the configuration is none of the family.
 */
export async function makeCheckpoint(directory: string, options: CheckpointOptions): Promise<void> {
  const { config: json, format = 'torch', chatFormat = 'chatml', seed = 1, shardBytes = SHARD_BYTES } = options;
  const config = parseConfig(json);
  await mkdir(directory, { recursive: true });
  const write = async (name: string, content: string): Promise<void> => {
    await writeFile(join(directory, name), content);
    options.onFile?.(name);
  };
  // Special tokens follow the ranks, so the id of one says how many ranks there are.
  const ranks = config.visual.imageStartId - (specialTokenIds(0)['<img>'] ?? 0);
  const inJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  await write('config.json', inJson(json));
  await write('generation_config.json', inJson(generationConfig(chatFormat, ranks)));
  await write('qwen.tiktoken', await syntheticRanks(ranks));

  const { single, extension, write: writeShard } = FORMATS[format];
  const tensors = Array.from(expectedTensors(config), ([name, shape]) => ({ name, shape }));
  const shards = splitIntoShards(tensors, shardBytes);
  const weights = new RandomWeights(seed);
  const bytesOf: BytesOf = (tensor) => {
    const writers = 2 * (tensor.name.includes('.visual.') ? config.visual.layers : config.layers);
    return weights.bytes(elementsOf(tensor.shape), spreadOf(tensor, writers));
  };
  const weightMap: Record<string, string> = {};
  const padded = (number: number): string => String(number).padStart(5, '0');
  for (const [index, shard] of shards.entries()) {
    const name = `${single}-${padded(index + 1)}-of-${padded(shards.length)}.${extension}`;
    await writeShard(join(directory, name), shard, bytesOf);
    for (const tensor of shard) weightMap[tensor.name] = name;
    options.onFile?.(name);
  }
  const metadata = { total_size: tensors.reduce((sum, tensor) => sum + sizeOf(tensor), 0) };
  await write(`${single}.${extension}.index.json`, inJson({ metadata, weight_map: weightMap }));
}
