import { open } from 'node:fs/promises';
import { EideticError } from '@eidetic/core';
import type { z } from 'zod';
import { checkEntry } from './check-entry.ts';

/** A line of a file of JSON lines. */
export interface JsonLine<T> {
  readonly value: T;
  /** From 1. */
  readonly number: number;
}

/**
 * The lines of a file with one JSON object a line, one after the other; blank lines are skipped.
 *
 * @throws EideticError `invalid_request` when the file cannot be read or has no lines; for a line that is no JSON or does not match
 *   the schema with its number and the field.
 */
export async function* jsonLines<T>(path: string, schema: z.ZodType<T>): AsyncGenerator<JsonLine<T>> {
  await using file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw new EideticError('invalid_request', `${path} cannot be read: ${cause.message}.`, { cause });
  });
  let number = 0;
  let found = 0;
  for await (const line of file.readLines()) {
    number++;
    if (line.trim() === '') continue;
    found++;
    const at = `${path}, line ${number}`;
    yield { value: checkEntry(schema, parseJson(line, at), at), number };
  }
  if (found === 0) throw new EideticError('invalid_request', `${path} holds no questions.`);
}

function parseJson(line: string, at: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EideticError('invalid_request', `${at} is not JSON: ${reason}.`, { cause });
  }
}
