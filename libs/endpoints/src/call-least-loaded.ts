import { EideticError } from '@eidetic/core';
import { outcomeOf } from './call-outcome.ts';
import type { Candidate, EndpointSet } from './endpoint-set.ts';
import { leastRetryHint } from './least-retry-hint.ts';

/** How a call may be repeated. */
export interface RepeatOptions {
  readonly signal?: AbortSignal | undefined;
  /** Pods that are tried at most. */
  readonly attempts: number;
  /** Whether a call that was lost half-way may be made again. One that a pod refused as `overloaded` was not begun, and always may. */
  readonly idempotent: boolean;
}

const leastLoaded = <T>(candidates: readonly Candidate<T>[], random: number): Candidate<T> | undefined => {
  const least = Math.min(...candidates.map(({ inFlight }) => inFlight));
  const equals = candidates.filter(({ inFlight }) => inFlight === least);
  // Not always the first: processes that are idle would all begin with the same pod.
  return equals[Math.floor(random * equals.length)];
};

const callOne = async <T, R>(
  candidate: Candidate<T>,
  call: (session: T, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal | undefined,
): Promise<R> => {
  const lease = candidate.begin();
  try {
    const answer = await call(lease.session, signal ? AbortSignal.any([signal, lease.lost]) : lease.lost);
    lease.report('ok');
    return answer;
  } catch (reason) {
    const error = EideticError.from(reason);
    lease.report(signal?.aborted ? 'nothing' : outcomeOf(error.code));
    throw error;
  } finally {
    lease.end();
  }
};

/**
 * Calls the pod that has the fewest of this process's calls in flight, and another one when that is safe and may help.
 *
 * @param call must end when its signal aborts
 * @throws EideticError what the call threw; `unavailable` when no pod is usable; `overloaded` with the smallest hint when all are.
 */
export const callLeastLoaded = async <T, R>(
  set: EndpointSet<T>,
  call: (session: T, signal: AbortSignal) => Promise<R>,
  { signal, attempts, idempotent }: RepeatOptions,
): Promise<R> => {
  const failed = new Map<string, EideticError>();
  while (failed.size < attempts) {
    const others = set.candidates.filter(({ address }) => !failed.has(address));
    const candidate = leastLoaded(others, set.random());
    if (!candidate) break;
    try {
      return await callOne(candidate, call, signal);
    } catch (reason) {
      const error = EideticError.from(reason);
      const another = error.code === 'overloaded' || (error.code === 'unavailable' && idempotent);
      if (!another || signal?.aborted) throw error;
      failed.set(candidate.address, error);
    }
  }
  const errors = [...failed.values()];
  const overloaded = leastRetryHint(errors.filter(({ code }) => code === 'overloaded'));
  throw overloaded ?? errors.at(-1) ?? new EideticError('unavailable', 'No pod of the service answers.');
};
