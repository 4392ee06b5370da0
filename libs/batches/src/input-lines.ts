import { z } from 'zod';
import type { BatchEndpoint, InputError } from './batch.ts';
import { LongLine } from './long-line.ts';

/** A line of the input of a batch: https://platform.openai.com/docs/guides/batch#1-prepare-your-batch-file */
const lineSchema = z.object({
  custom_id: z.string().min(1).max(512),
  method: z.literal('POST'),
  url: z.string(),
  body: z.record(z.string(), z.unknown()),
});

type LineData = z.infer<typeof lineSchema>;
type ReadLine =
  | { readonly data: LineData; readonly problem?: undefined }
  | { readonly data?: undefined; readonly problem: LineProblem };

/** Which line of a batch it is. */
interface LinePlace {
  /** Among those that are not blank, from 0. */
  readonly index: number;
  /** Empty where it cannot be read. */
  readonly customId: string;
}

/** A request of a batch. */
export interface RequestLine extends LinePlace {
  readonly body: Readonly<Record<string, unknown>>;
}

/** A line of a batch that cannot be run. */
export interface FaultyLine extends LinePlace {
  readonly problem: LineProblem;
}

interface LineProblem {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
}

/** What inputs are held to. */
export interface InputLimits {
  readonly maxLines: number;
  readonly maxLineBytes: number;
}

/** Most problems that are listed: whoever made the same mistake in every line knows by then. */
const MAX_ERRORS = 50;
const NEWLINE = 10;

/** A line of a text, with its number from 1. */
interface TextLine {
  readonly number: number;
  readonly content: string | LongLine;
}

/** The lines of a text that are not blank; of those of more than `maxLineBytes` only what tells whose they are. */
async function* textLines(content: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<TextLine> {
  let number = 1;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let long: LongLine | undefined;
  const add = (part: Uint8Array): void => {
    heldBytes += part.length;
    held.push(part);
    if (heldBytes <= maxLineBytes) return;
    long ??= new LongLine();
    for (const each of held) long.add(each);
    held = [];
  };
  const end = function* (): Generator<TextLine> {
    const line = long ?? Buffer.concat(held).toString('utf8');
    if (typeof line !== 'string' || line.trim() !== '') yield { number, content: line };
    number += 1;
    [held, heldBytes, long] = [[], 0, undefined];
  };
  for await (const piece of content) {
    for (let start = 0; start < piece.length; ) {
      const newline = piece.indexOf(NEWLINE, start);
      add(piece.subarray(start, newline < 0 ? piece.length : newline));
      if (newline < 0) break;
      yield* end();
      start = newline + 1;
    }
  }
  yield* end();
}

const tooLong = ({ number }: TextLine, maxLineBytes: number): LineProblem => ({
  code: 'line_too_long',
  message: `Line ${number} has more than the ${maxLineBytes} bytes that a request may have.`,
  param: null,
});

const readLine = (text: string, endpoint: BatchEndpoint): ReadLine => {
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
 * The lines of an input that {@link checkInput} has found nothing wrong with: all of them requests, unless limits have been lowered since.
 *
 * @throws EideticError what reading throws.
 */
export async function* inputLines(
  content: AsyncIterable<Uint8Array>,
  endpoint: BatchEndpoint,
  { maxLineBytes }: InputLimits,
): AsyncGenerator<RequestLine | FaultyLine> {
  let index = 0;
  for await (const line of textLines(content, maxLineBytes)) {
    if (typeof line.content === 'string') {
      const { data, problem } = readLine(line.content, endpoint);
      if (data !== undefined) yield { index, customId: data.custom_id, body: data.body };
      else yield { index, customId: '', problem };
    } else if (line.content.hasRequest) {
      yield { index, customId: line.content.customId, problem: tooLong(line, maxLineBytes) };
    } else {
      // Nothing but blanks, however many.
      continue;
    }
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
  for await (const line of textLines(content, maxLineBytes)) {
    const { number, content: text } = line;
    total += 1;
    if (total > maxLines) {
      const message = `The input has more than ${maxLines} requests; make several batches of it.`;
      errors.push({ code: 'too_many_lines', message, param: null, line: number });
    }
    const { data, problem } =
      typeof text === 'string' ? readLine(text, endpoint) : { problem: tooLong(line, maxLineBytes) };
    if (problem) errors.push({ ...problem, line: number });
    const first = data && seen.get(data.custom_id);
    if (first !== undefined) {
      const message = `custom_id: it is that of line ${first} too.`;
      errors.push({ code: 'duplicate_custom_id', message, param: 'custom_id', line: number });
    }
    if (data && first === undefined) seen.set(data.custom_id, number);
    if (errors.length >= MAX_ERRORS || total > maxLines) break;
  }
  if (total === 0 && errors.length === 0) {
    errors.push({ code: 'empty_file', message: 'The input has no requests.', param: null, line: null });
  }
  return { total, errors };
};
