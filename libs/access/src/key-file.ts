import { EideticError } from '@eidetic/core';
import { z } from 'zod';

/** Names that are safe in logs, in Redis and on a command line. */
const name = z.string().regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, "_", "-" or "."');

const limit = z.int().min(0).max(1_000_000_000);

const entrySchema = z.strictObject({
  id: name,
  tenant: name,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits, lower case'),
  expires: z.iso.datetime({ offset: true, error: 'expected a time such as 2030-01-31T12:00:00Z' }).optional(),
  disabled: z.boolean().optional(),
  requestsPerMinute: limit.optional(),
  concurrentRequests: limit.optional(),
});

/** One line of a file of API keys. */
export interface ApiKeyEntry {
  /** Names the key where the key itself must not be seen; no two in a file are the same. */
  readonly id: string;
  /** Whom the work is for that is asked for with it; several keys may have the same. */
  readonly tenant: string;
  /** As `hashApiKey` makes it. */
  readonly sha256: string;
  /** From when on it is refused, as ISO 8601 with the offset from UTC; absent: never. */
  readonly expires?: string | undefined;
  /** Refused as long as it is true. */
  readonly disabled?: boolean | undefined;
  /** Most requests in a minute; 0: any number; absent: the server's default. */
  readonly requestsPerMinute?: number | undefined;
  /** Most requests under way at a time; 0 and absent as above. */
  readonly concurrentRequests?: number | undefined;
}

/** The line of a key file for an entry, with its line break. */
export const formatKeyEntry = (entry: ApiKeyEntry): string => `${JSON.stringify(entry)}\n`;

const parseLine = (line: string, where: string): ApiKeyEntry => {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    // What the parser says repeats the line, which may hold a key that somebody pasted.
    throw new EideticError('invalid_config', `${where}: this is no JSON; expected one object in a line.`);
  }
  const outcome = entrySchema.safeParse(json);
  if (outcome.success) return outcome.data;
  const problems = outcome.error.issues.map(({ path, message }) => [...path.map(String), message].join(': '));
  throw new EideticError('invalid_config', `${where}: ${problems.join('; ')}.`);
};

/**
 * Reads a file of API keys: one JSON object (an {@link ApiKeyEntry}) in a line; empty lines and those that begin with `#` are left out.
 *
 * @param path for messages
 * @throws EideticError `invalid_config` that names the line.
 */
export const parseKeyFile = (text: string, path: string): readonly ApiKeyEntry[] => {
  const lines = text.split('\n').map((line, i) => ({ line: line.trim(), where: `${path}, line ${i + 1}` }));
  const seen = new Map<string, string>();
  const once = (value: string, what: string, where: string): void => {
    const first = seen.get(value);
    if (first !== undefined) throw new EideticError('invalid_config', `${where}: the ${what} is that of ${first}.`);
    seen.set(value, where);
  };
  return lines
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ line, where }) => {
      const entry = parseLine(line, where);
      once(`id ${entry.id}`, `id "${entry.id}"`, where);
      once(entry.sha256, 'sha256', where);
      return entry;
    });
};
