/** A tensor to be written, in bfloat16. */
export interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Bytes of a tensor in bfloat16. */
export const sizeOf = ({ shape }: PlannedTensor): number => 2 * elementsOf(shape);

/** Numbers in a tensor. */
export const elementsOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** What the published checkpoints were written with: `save_pretrained(max_shard_size="2GB")`. */
export const SHARD_BYTES = 2_000_000_000;

/**
 * Spreads tensors over shards as the `shard_checkpoint` of transformers does: in order, a new shard whenever the next tensor would take the current
 * one past `maxBytes`. A layer may straddle two shards.
 */
export function splitIntoShards(tensors: readonly PlannedTensor[], maxBytes: number): PlannedTensor[][] {
  const shards: PlannedTensor[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const size = sizeOf(tensor);
    if (size > room || shards.length === 0) {
      shards.push([]);
      room = maxBytes;
    }
    shards.at(-1)?.push(tensor);
    room -= size;
  }
  return shards;
}
