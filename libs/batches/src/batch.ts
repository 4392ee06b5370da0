import { z } from 'zod';

/** Routes whose requests batches may hold. */
export const BATCH_ENDPOINTS = ['/v1/chat/completions', '/v1/completions'] as const;

/** https://platform.openai.com/docs/guides/batch#4-check-the-status-of-a-batch */
const BATCH_STATUSES = [
  'validating',
  'in_progress',
  'finalizing',
  'completed',
  'failed',
  'cancelling',
  'cancelled',
  'expired',
] as const;

const inputErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  param: z.string().nullable(),
  /** From 1; null: it is about the whole input. */
  line: z.int().nullable(),
});

export const batchSchema = z.object({
  id: z.string(),
  /** Whom its requests are for; empty for those who share the server without keys. */
  tenant: z.string(),
  endpoint: z.enum(BATCH_ENDPOINTS),
  inputFileId: z.string(),
  metadata: z.record(z.string(), z.string()).nullable(),
  /** How long its output stays, in milliseconds; absent: what files of batches do. */
  outputLifetimeMs: z.int().exactOptional(),
  status: z.enum(BATCH_STATUSES),
  /** Milliseconds since 1970 at which it entered each status, and at which its window ends. */
  createdAtMs: z.int(),
  expiresAtMs: z.int(),
  inProgressAtMs: z.int().exactOptional(),
  finalizingAtMs: z.int().exactOptional(),
  cancellingAtMs: z.int().exactOptional(),
  /** When it was completed, failed, cancelled or expired. */
  endedAtMs: z.int().exactOptional(),
  /** Lines of the input; 0 until it has been validated. */
  total: z.int(),
  /** Lines that were answered, and lines that ended with an error. */
  completed: z.int(),
  failed: z.int(),
  /** What is wrong with the input. */
  errors: z.array(inputErrorSchema).readonly().exactOptional(),
  outputFileId: z.string().exactOptional(),
  errorFileId: z.string().exactOptional(),
});

/** A batch of requests, and how far it has come. */
export type Batch = Readonly<z.infer<typeof batchSchema>>;
export type BatchEndpoint = Batch['endpoint'];
export type InputError = z.infer<typeof inputErrorSchema>;

/** Whether nothing will happen to it any more. */
export const hasEnded = ({ endedAtMs }: Batch): boolean => endedAtMs !== undefined;

export const lineResultSchema = z.object({
  customId: z.string(),
  requestId: z.string(),
  /** What the request was answered, as over HTTP; null: it was not made. */
  response: z.object({ status: z.int(), body: z.unknown() }).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

/** What became of one line. */
export type LineResult = z.infer<typeof lineResultSchema>;

/** Why a line was not run. */
export const EXPIRED = 'batch_expired';

/** Whether the answer of a line is a good one. */
export const isGood = ({ response }: LineResult): boolean => response !== null && response.status < 400;
