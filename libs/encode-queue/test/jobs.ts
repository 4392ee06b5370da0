import { hash } from 'node:crypto';
import type { EncodeJob, EncodeJobResult, EncodeLimits } from '@eidetic/core';

export const LIMITS: EncodeLimits = { maxCost: 1_000, maxJobs: 16, maxInFlight: 1, lingerMs: 0 };

/** A job about a picture of that name. */
export function jobOf(name: string, parts: Partial<EncodeJob> = {}): EncodeJob {
  const imageId = hash('sha256', name, 'hex');
  const deadlineMs = Date.now() + 20_000;
  return { key: `model:${imageId}`, imageId, scope: name, priority: 0, deadlineMs, cost: 1, ...parts };
}

export const ENCODED: EncodeJobResult = {
  ok: true,
  tokens: 64,
  timings: { decodeMs: 1, preprocessMs: 2, encodeMs: 3, encodeShareMs: 3 },
};
