import { EideticError } from '@eidetic/core';
import { z } from 'zod';
import type { BatchEndpoint, InputError } from './batch.ts';

/** A line of the input of a batch: https://platform.openai.com/docs/guides/batch#1-prepare-your-batch-file */
const lineSchema = z.object({
  custom_id: z.string().min(1).max(512),
  method: z.literal('POST'),
  url: z.string(),
  body: z.record(z.string(), z.unknown()),
});

/** A request of a batch. */
export interface InputLine {
  /** Among those that are not blank, from 0. */
  readonly index: number;
  readonly customId: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What inputs are held to. */
export interface InputLimits {
  readonly maxLines: number;
  readonly maxLineBytes: number;
}

/** Most problems that are listed: whoever made the same mistake in every line knows by then. */
const MAX_ERRORS = 50;
const NEWLINE = 10;

/**
 * The lines of a text that are not blank, with their numbers from 1.
 *
 * @throws EideticError `invalid_request` for a line of more than `maxLineBytes`.
 */
async function* textLines(content: AsyncIterable<Uint8Array>, maxLineBytes: number) {
  let number = 0;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const line = (): { number: number; text: string } => {
    number += 1;
    const text = Buffer.concat(held).toString('utf8');
    held = [];
    heldBytes = 0;
    return { number, text };
  };
  for await (const piece of content) {
    for (let start = 0; start < piece.length; ) {
      const end = piece.indexOf(NEWLINE, start);
      const part = piece.subarray(start, end < 0 ? piece.length : end);
      held.push(part);
      heldBytes += part.length;
      if (heldBytes > maxLineBytes) {
        const message = `Line ${number + 1} has more than the ${maxLineBytes} bytes that a request may have.`;
        throw new EideticError('invalid_request', message, { details: { line: number + 1 } });
      }
      if (end < 0) break;
      const { text, number: at } = line();
      if (text.trim() !== '') yield { number: at, text };
      start = end + 1;
    }
  }
  const { text, number: at } = line();
  if (text.trim() !== '') yield { number: at, text };
}

const readLine = (text: string, endpoint: BatchEndpoint) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: { code: 'invalid_json_line', message: 'This line is not JSON.', param: null } };
  }
  const { data, error } = lineSchema.safeParse(value);
  const [issue] = error?.issues ?? [];
  if (issue !== undefined || data === undefined) {
    const param = issue === undefined ? null : z.core.toDotPath(issue.path) || null;
    return { problem: { code: 'invalid_request', message: `${param ?? 'line'}: ${issue?.message}.`, param } };
  }
  if (data.url === endpoint) return { data };
  const message = `url: ${JSON.stringify(data.url.slice(0, 80))} is not the endpoint of the batch, ${endpoint}.`;
  return { problem: { code: 'invalid_url', message, param: 'url' } };
};

/**
 * The requests of an input that {@link checkInput} has found nothing wrong with.
 *
 * @throws EideticError what reading throws; `internal` for a line that is wrong all the same.
 */
export async function* inputLines(
  content: AsyncIterable<Uint8Array>,
  endpoint: BatchEndpoint,
  { maxLineBytes }: InputLimits,
): AsyncGenerator<InputLine> {
  let index = 0;
  for await (const { text, number } of textLines(content, maxLineBytes)) {
    const { data } = readLine(text, endpoint);
    if (data === undefined) throw new EideticError('internal', `Line ${number} was valid before, and is not now.`);
    yield { index, customId: data.custom_id, body: data.body };
    index += 1;
  }
}

/** Counts the requests of an input, and lists what is wrong with it, up to a number of problems. */
export const checkInput = async (
  content: AsyncIterable<Uint8Array>,
  endpoint: BatchEndpoint,
  { maxLines, maxLineBytes }: InputLimits,
): Promise<{ readonly total: number; readonly errors: readonly InputError[] }> => {
  const errors: InputError[] = [];
  const seen = new Map<string, number>();
  let total = 0;
  try {
    for await (const { number, text } of textLines(content, maxLineBytes)) {
      total += 1;
      if (total > maxLines) {
        const message = `The input has more than ${maxLines} requests; make several batches of it.`;
        errors.push({ code: 'too_many_lines', message, param: null, line: number });
      }
      const { data, problem } = readLine(text, endpoint);
      if (problem) errors.push({ ...problem, line: number });
      const first = data && seen.get(data.custom_id);
      if (first !== undefined) {
        const message = `custom_id: it is that of line ${first} too.`;
        errors.push({ code: 'duplicate_custom_id', message, param: 'custom_id', line: number });
      }
      if (data && first === undefined) seen.set(data.custom_id, number);
      if (errors.length >= MAX_ERRORS || total > maxLines) break;
    }
  } catch (reason) {
    const error = EideticError.from(reason);
    if (error.code !== 'invalid_request') throw error;
    const { line } = error.details;
    const place = typeof line === 'number' ? line : null;
    errors.push({ code: 'line_too_long', message: error.message, param: null, line: place });
  }
  if (total === 0 && errors.length === 0) {
    errors.push({ code: 'empty_file', message: 'The input has no requests.', param: null, line: null });
  }
  return { total, errors };
};
