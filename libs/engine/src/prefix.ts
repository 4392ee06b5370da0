import type { GenerateRequest } from '@eidetic/core';

/** What makes the KV state of a position: a token id, or a row of a picture (`<image key>#<row>`). */
export type PositionKey = number | string;

/** KV state that lies at the start of a slot, computed by prefill. */
export interface Prefix {
  readonly keys: readonly PositionKey[];
  /** How many of them are computed. */
  readonly computed: number;
  /** Keys are rotated: state is only good for sequences that use the same rotary table. */
  readonly ropeOffset: number;
}

/** Keys of a prompt's positions, in order. */
export function positionKeys(prompt: GenerateRequest['prompt']): PositionKey[] {
  return prompt.flatMap((segment): readonly PositionKey[] =>
    segment.kind === 'tokens'
      ? segment.ids
      : Array.from({ length: segment.tokens }, (_, row) => `${segment.key}#${row}`),
  );
}

/**
 * Positions at the start of a prompt whose state `prefix` has. At least two are left to compute: one is needed for the
 * logits, and one alone is computed by another kernel, whose last bits differ (docs/decisions/0004-batch-invariance.md).
 */
export function sharedPositions(prefix: Prefix, keys: readonly PositionKey[], ropeOffset: number): number {
  if (prefix.ropeOffset !== ropeOffset) return 0;
  const most = Math.min(prefix.computed, keys.length - 2);
  let shared = 0;
  while (shared < most && prefix.keys[shared] === keys[shared]) shared++;
  return shared;
}

/**
 * Positions of the next run of prefill over `remaining` ones. Never leaves a single one for the last: GroupQueryAttention
 * computes one new position by another kernel than several, and logits must not depend on where a prompt was cut.
 */
export function chunkRows(remaining: number, most: number): number {
  const rows = Math.min(Math.max(most, 2), remaining);
  if (remaining - rows !== 1) return rows;
  return rows > 2 ? rows - 1 : remaining;
}
