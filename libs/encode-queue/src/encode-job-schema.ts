import { EideticError, type EncodeJob } from '@eidetic/core';
import { z } from 'zod';

/** Bytes that a job may take in the queue, as JSON: it carries references only. */
const MAX_JOB_SIZE_BYTES = 1024;

/** Bounds of {@link EncodeJob.priority}. */
export const MAX_PRIORITY = 1000;

const jobSchema = z.object({
  key: z.string().min(1).max(512),
  imageId: z.string().regex(/^[0-9a-f]{64}$/),
  scope: z.string().max(128),
  priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY),
  deadlineMs: z.number(),
  cost: z.int().positive(),
  traceparent: z.string().max(128).exactOptional(),
});

/** What of a job is stored: its deadline is kept apart, since it changes with who waits. */
const storedJobSchema = jobSchema.omit({ deadlineMs: true });

/** A job as the queue's server keeps it. */
export type StoredJob = z.infer<typeof storedJobSchema>;

/** @throws EideticError `invalid_request` naming the field. */
export function checkJob(job: EncodeJob): void {
  const { error } = jobSchema.safeParse(job);
  const size = Buffer.byteLength(JSON.stringify(job));
  const problem = error === undefined ? undefined : z.prettifyError(error);
  if (problem === undefined && size <= MAX_JOB_SIZE_BYTES) return;
  throw new EideticError(
    'invalid_request',
    `Not a job for the encode queue: ${problem ?? `${size} bytes, of at most ${MAX_JOB_SIZE_BYTES}`}.`,
  );
}

export function storedJob({ deadlineMs, ...job }: EncodeJob): StoredJob {
  return job;
}

/** The job, or what is wrong with it: what comes from the queue's server may be of another version, or of anyone. */
export function readStoredJob(data: unknown): { readonly job: StoredJob } | { readonly problem: string } {
  const { data: job, error } = storedJobSchema.safeParse(data);
  return error === undefined ? { job } : { problem: z.prettifyError(error) };
}
