import { open } from 'node:fs/promises';
import { safetensorsHeader } from '@eidetic/checkpoint/writers';
import { type PlannedTensor, sizeOf } from './shards.ts';
import type { BytesOf } from './torch-shard.ts';

/** Writes a safetensors file of bfloat16 tensors. */
export async function writeSafetensorsShard(
  path: string,
  tensors: readonly PlannedTensor[],
  bytesOf: BytesOf,
): Promise<void> {
  let end = 0;
  const entries = tensors.map((tensor) => {
    const begin = end;
    end += sizeOf(tensor);
    return [tensor.name, { dtype: 'BF16', shape: tensor.shape, data_offsets: [begin, end] }];
  });
  await using file = await open(path, 'w');
  await file.writeFile(safetensorsHeader({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }));
  // writeFile goes on where the last one ended.
  for (const tensor of tensors) for (const piece of bytesOf(tensor)) await file.writeFile(piece);
}
