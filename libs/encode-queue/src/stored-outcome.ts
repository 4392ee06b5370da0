import { EideticError, type EncodeOutcome, ERROR_KINDS, type ErrorCode } from '@eidetic/core';
import { z } from 'zod';

const timeMs = z.number().nonnegative();

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_KINDS, code);

const storedOutcomeSchema = z.union([
  z.object({
    ok: z.literal(true),
    tokens: z.int().positive(),
    timings: z
      // Consumers of earlier versions do not know the share.
      .object({
        decodeMs: timeMs,
        preprocessMs: timeMs,
        encodeMs: timeMs,
        encodeShareMs: timeMs.default(0),
        queueMs: timeMs,
      })
      .exactOptional(),
  }),
  z.object({
    ok: z.literal(false),
    code: z.string().refine(isErrorCode),
    message: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  }),
  z.object({ dropped: z.string() }),
]);

/** How a job ended, as the queue's server passes it on: an outcome, or that it was given up since nobody seemed to wait for it. */
export type StoredOutcome = z.infer<typeof storedOutcomeSchema>;

export function storedOutcome(outcome: EncodeOutcome): StoredOutcome {
  if (outcome.ok) return outcome;
  const { code, message, details } = outcome.error;
  return { ok: false, code, message, details };
}

/** What came from the queue's server; what cannot be read is `internal`. */
export function readStoredOutcome(data: unknown): EncodeOutcome | 'dropped' {
  const { data: stored, error } = storedOutcomeSchema.safeParse(data);
  if (error !== undefined) {
    const message = `The outcome of an encode job is malformed: ${z.prettifyError(error)}`;
    return { ok: false, error: new EideticError('internal', message) };
  }
  if ('dropped' in stored) return 'dropped';
  if (stored.ok) return stored;
  const { code, message, details } = stored;
  return { ok: false, error: new EideticError(code, message, { details }) };
}
