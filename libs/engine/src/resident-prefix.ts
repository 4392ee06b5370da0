import type { GenerateRequest } from '@eidetic/core';

/** What makes the KV state of a position: a token id, or a row of a picture (`<image key>#<row>`). */
export type PositionKey = number | string;

/** KV state that an ended sequence left in its slot. */
export interface ResidentPrefix {
  /** Keys of the positions that prefill computed; what decode steps computed after them is not part of it. */
  readonly keys: readonly PositionKey[];
  /** Keys are rotated: state is only good for sequences that use the same rotary table. */
  readonly ropeOffset: number;
  /** Running number of the admission that computed it. */
  readonly admission: number;
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
 * Positions at the start of a prompt whose state is resident. At least two are left to compute: one is needed for the
 * logits, and one alone is computed by another kernel, whose last bits differ (docs/decisions/0004-batch-invariance.md).
 */
export function sharedPositions(
  resident: ResidentPrefix | undefined,
  keys: readonly PositionKey[],
  ropeOffset: number,
): number {
  if (resident?.ropeOffset !== ropeOffset) return 0;
  const most = Math.min(resident.keys.length, keys.length - 2);
  let shared = 0;
  while (shared < most && resident.keys[shared] === keys[shared]) shared++;
  return shared;
}
