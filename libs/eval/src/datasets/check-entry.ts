import { EideticError } from '@eidetic/core';
import type { z } from 'zod';

/**
 * An entry of a file, checked.
 *
 * @param at names the entry: the file, and where in it.
 * @throws EideticError `invalid_request` naming the entry and its fields that are wrong.
 */
export function checkEntry<T>(schema: z.ZodType<T>, entry: unknown, at: string): T {
  const parsed = schema.safeParse(entry);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the entry'}: ${issue.message}`);
  throw new EideticError('invalid_request', `${at}: ${problems.join('; ')}.`);
}
