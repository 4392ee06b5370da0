import type { SamplingOptions, TokenMask } from '@eidetic/core';
import type { StepScores } from './sampler.ts';
import type { TokenCounts } from './token-counts.ts';

/**
 * What penalties and bias make of a row of logits: only those of touched ids change. In float32, like the row itself, so that a
 * logit is the same number whether it is looked up or written back.
 */
export interface Adjustment {
  /** The touched ids, each once. */
  readonly ids: readonly number[];
  /** Their new logits; what was -Infinity still is. */
  readonly logits: readonly number[];
  /** Whether `id` is one of them. */
  touches(id: number): boolean;
}

/** The adjustment that `options` ask for after what `counts` has seen; `undefined` when no logit changes. */
export function adjustmentOf(
  scores: Pick<StepScores, 'logits'>,
  options: SamplingOptions,
  { prompt, answer }: TokenCounts,
): Adjustment | undefined {
  const { repetitionPenalty, presencePenalty, frequencyPenalty, logitBias } = options;
  const repeats = repetitionPenalty !== 1 && prompt.size + answer.size > 0;
  const counts = repeats || ((presencePenalty !== 0 || frequencyPenalty !== 0) && answer.size > 0);
  if (!counts && logitBias.size === 0) return undefined;
  const isPenalized = (id: number): boolean => (repeats && prompt.has(id)) || (counts && answer.has(id));

  const row = scores.logits;
  const ids: number[] = [];
  const logits: number[] = [];
  const touch = (id: number, times: number): void => {
    const logit = row[id];
    if (logit === undefined) return;
    let adjusted = logit;
    if (repeats && (times > 0 || prompt.has(id))) {
      adjusted = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    }
    if (times > 0) adjusted -= presencePenalty + frequencyPenalty * times;
    ids.push(id);
    logits.push(Math.fround(adjusted + (logitBias.get(id) ?? 0)));
  };
  if (counts) for (const [id, times] of answer) touch(id, times);
  if (repeats) for (const id of prompt) if (!answer.has(id)) touch(id, 0);
  for (const id of logitBias.keys()) if (!isPenalized(id)) touch(id, 0);
  return { ids, logits, touches: (id) => isPenalized(id) || logitBias.has(id) };
}

/** Whether `mask` lets `id` through; without a mask everything passes. */
export function isAllowed(mask: TokenMask | undefined, id: number): boolean {
  return mask === undefined || (((mask[id >> 5] ?? 0) >>> (id & 31)) & 1) === 1;
}

/** A mask that lets everything through but some ids. */
export function maskWithout(ids: readonly number[], vocab: number): TokenMask {
  const mask = new Int32Array(Math.ceil(vocab / 32)).fill(-1);
  for (const id of ids) if (id < vocab) mask[id >> 5] = (mask[id >> 5] ?? 0) & ~(1 << (id & 31));
  return mask;
}

/** The whole row with the adjustment written into it, and -Infinity where the mask forbids. A row that stays as it is is not copied. */
export function adjustedRow(
  logits: Float32Array,
  adjustment: Adjustment | undefined,
  mask: TokenMask | undefined,
): Float32Array {
  if (adjustment === undefined && mask === undefined) return logits;
  const row = logits.slice();
  adjustment?.ids.forEach((id, i) => {
    row[id] = adjustment.logits[i] ?? Number.NaN;
  });
  if (mask === undefined) return row;
  for (let word = 0; word * 32 < row.length; word++) {
    const bits = mask[word] ?? 0;
    const start = word * 32;
    if (bits === 0) row.fill(Number.NEGATIVE_INFINITY, start, start + 32);
    else if (bits !== -1) {
      for (let id = start; id < start + 32 && id < row.length; id++) {
        if (((bits >>> (id - start)) & 1) === 0) row[id] = Number.NEGATIVE_INFINITY;
      }
    }
  }
  return row;
}
