import { EideticError, type EncodeOutcome, type EncodeQueueObserver } from '@eidetic/core';
import type { Dispatched, Verdict } from './run-batch.ts';

/** Runs one request, and tells how it was answered and how long it took. */
export async function observeEncode(
  observer: EncodeQueueObserver,
  encode: () => Promise<EncodeOutcome>,
): Promise<EncodeOutcome> {
  const startMs = performance.now();
  const answered = (outcome: Parameters<EncodeQueueObserver['answered']>[0]['outcome']): void =>
    observer.answered({ outcome, durationMs: performance.now() - startMs });
  try {
    const outcome = await encode();
    answered(outcome.ok ? 'ok' : outcome.error.code);
    return outcome;
  } catch (reason) {
    answered(EideticError.from(reason).code);
    throw reason;
  }
}

export function observeBatch(observer: EncodeQueueObserver, batch: readonly Dispatched[]): void {
  const cost = batch.reduce((sum, { job }) => sum + job.cost, 0);
  observer.dispatched({ jobs: batch.length, cost, queueMs: batch.map(({ queueMs }) => queueMs) });
}

/** Tells what the encoder has done. */
export function observeWork(
  observer: EncodeQueueObserver,
  batch: readonly Dispatched[],
  verdicts: readonly Verdict[],
): void {
  let [cost, encodeMs] = [0, 0];
  for (const [index, verdict] of verdicts.entries()) {
    const shareMs = verdict.kind === 'final' && verdict.outcome.ok ? verdict.outcome.timings?.encodeShareMs : undefined;
    if (!shareMs) continue;
    encodeMs += shareMs;
    cost += batch[index]?.job.cost ?? 0;
  }
  if (cost > 0) observer.encoded({ cost, encodeMs });
}

/** What follows from a verdict: the last try is final in any case. Tells what it is. */
export function conclude(verdict: Verdict, isLastTry: boolean, observer: EncodeQueueObserver): Verdict {
  if (verdict.kind === 'retry' && !isLastTry) {
    observer.retried({ code: verdict.error.code });
    return verdict;
  }
  const outcome: EncodeOutcome = verdict.kind === 'final' ? verdict.outcome : { ok: false, error: verdict.error };
  observer.handled({ outcome: outcome.ok ? 'ok' : outcome.error.code });
  return { kind: 'final', outcome };
}
