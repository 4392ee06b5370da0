import { createReadStream } from 'node:fs';
import { EideticError } from '@eidetic/core';
import chain from 'stream-chain';
import { parser } from 'stream-json';
import { pick } from 'stream-json/filters/pick.js';
import { streamArray } from 'stream-json/streamers/stream-array.js';
import { streamValues } from 'stream-json/streamers/stream-values.js';
import type { z } from 'zod';
import { checkEntry } from './check-entry.ts';

/** What stream-json says of something else than a list. */
const NO_LIST = 'Top-level object should be an array.';

const STRINGS_WHOLE = { streamValues: false } as const;

/**
 * The entries of a list in a JSON file, one after the other, so that files of any size are read with the memory of one entry.
 *
 * @param key of the list in the object that the file holds; undefined: the file holds the list itself.
 * @throws EideticError `invalid_request` when the file cannot be read, is no JSON or has no such list; for an entry that does not
 *   match the schema with its number and the field.
 */
export async function* jsonEntries<T>(path: string, key: string | undefined, schema: z.ZodType<T>): AsyncGenerator<T> {
  const list = key === undefined ? [] : [pick({ filter: key, once: true })];
  const entries = chain([createReadStream(path), parser(STRINGS_WHOLE), ...list, streamArray()]);
  let count = 0;
  try {
    for await (const { key: index, value } of entries) {
      count++;
      yield checkEntry(schema, value, `${path}: ${key ?? ''}[${index}]`);
    }
  } catch (cause) {
    const other = cause instanceof Error && cause.message === NO_LIST;
    throw other ? withoutList(path, key) : unreadable(path, cause);
  } finally {
    entries.destroy();
  }
  if (count === 0) throw withoutList(path, key);
}

/**
 * A field of the object that a JSON file holds; undefined if it has none.
 *
 * @throws EideticError `invalid_request` when the file cannot be read or is no JSON.
 */
export async function jsonField(path: string, key: string): Promise<unknown> {
  const values = chain([
    createReadStream(path),
    parser(STRINGS_WHOLE),
    pick({ filter: key, once: true }),
    streamValues(),
  ]);
  try {
    for await (const { value } of values) return value;
    return undefined;
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    values.destroy();
  }
}

function withoutList(path: string, key: string | undefined): EideticError {
  const what = key === undefined ? 'no list of entries' : `no list "${key}"`;
  return new EideticError('invalid_request', `${path} holds ${what}. Is it the file that is meant?`);
}

function unreadable(path: string, cause: unknown): EideticError {
  if (cause instanceof EideticError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const system = cause instanceof Error && 'code' in cause;
  return new EideticError('invalid_request', `${path} ${system ? 'cannot be read' : 'is not JSON'}: ${reason}.`, {
    cause,
  });
}
