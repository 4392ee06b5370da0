import type { ErrorCode } from '@eidetic/core';
import type { CallOutcome } from './lease.ts';

const FAULTS: readonly ErrorCode[] = ['unavailable', 'internal', 'inference_failed'];

const SAYS_NOTHING: readonly ErrorCode[] = ['overloaded', 'cancelled', 'deadline_exceeded'];

/** What an error says about the pod that it came from: errors that are the request's fault are work well done. */
export const outcomeOf = (code: ErrorCode): CallOutcome => {
  if (FAULTS.includes(code)) return 'failed';
  return SAYS_NOTHING.includes(code) ? 'nothing' : 'ok';
};
