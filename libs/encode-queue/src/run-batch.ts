import {
  EideticError,
  type EncodeHandler,
  type EncodeJob,
  type EncodeJobResult,
  type EncodeOutcome,
} from '@eidetic/core';

/** What follows from what the handler said of a job. */
export type Verdict =
  | { readonly kind: 'final'; readonly outcome: EncodeOutcome }
  | { readonly kind: 'retry'; readonly error: EideticError };

/** A job on its way to the handler. */
export interface Dispatched {
  readonly job: EncodeJob;
  /** Time that it waited, in milliseconds. */
  readonly queueMs: number;
}

/** Verdicts in the order of `batch`; none when the handler gave it up because of `signal`. Never rejects. */
export async function runBatch(
  batch: readonly Dispatched[],
  handler: EncodeHandler,
  signal: AbortSignal,
): Promise<readonly Verdict[] | undefined> {
  try {
    const jobs = batch.map(({ job }) => job);
    const results = await handler(jobs, signal);
    return batch.map(({ queueMs }, index) => judge(results[index], queueMs));
  } catch (reason) {
    if (signal.aborted) return undefined;
    const error = EideticError.from(reason);
    return batch.map(() => ({ kind: 'retry', error }));
  }
}

function judge(result: EncodeJobResult | undefined, queueMs: number): Verdict {
  if (result === undefined) {
    return { kind: 'retry', error: new EideticError('inference_failed', 'The handler gave no result for a picture.') };
  }
  if (result.ok) {
    const { tokens, timings } = result;
    return { kind: 'final', outcome: { ok: true, tokens, timings: { ...timings, queueMs } } };
  }
  const error = EideticError.from(result.error);
  return error.kind.retryable ? { kind: 'retry', error } : { kind: 'final', outcome: { ok: false, error } };
}

/** Why batches are given up that nobody waits for. */
export const nobodyWaits = (): EideticError => new EideticError('cancelled', 'Nobody waits for the pictures any more.');
