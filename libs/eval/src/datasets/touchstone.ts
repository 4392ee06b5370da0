import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { EideticError } from '@eidetic/core';
import { parse } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import chain from 'stream-chain';
import { z } from 'zod';
import { createDataset, type EvalItem } from '../create-dataset.ts';
import type { DatasetFormat, Outputs } from '../dataset.ts';
import { checkEntry } from './check-entry.ts';

/** What the judge wants to have back, before the answer. */
const KEPT = ['index', 'question', 'human_annotation', 'gpt4_ha_answer', 'category', 'task_name'] as const;

const row = z.object({
  index: z.string(),
  question: z.string().min(1),
  human_annotation: z.string(),
  gpt4_ha_answer: z.string(),
  category: z.string(),
  task_name: z.string(),
  /** The picture's file in base64. */
  image: z.base64().min(1),
});

type Fields = z.infer<typeof row>;

/** A row of the table without its picture. */
interface Row extends Pick<Fields, (typeof KEPT)[number]> {
  readonly place: Place;
}

/** Where a row is in the file, in bytes, and what its columns are; the first one has the header before it. */
interface Place {
  readonly start: number;
  readonly end: number;
  readonly columns: string[];
}

const TABLE = { delimiter: '\t', bom: true, relax_quotes: true, skip_empty_lines: true } as const;

/**
 * TouchStone (github.com/OFA-Sys/TouchStone, Bai et al., 2023): `touchstone_20230831.tsv`, a table with a header whose fields are separated by tabs
 * and quoted as in CSV, pictures in base64. A language model is its judge: nothing is scored here, and the submission is the table that its eval.py
 * takes. Pictures, most of its 70 MB, are checked when it is opened, and read again one by one when they are asked about.
 */
export const touchstone: DatasetFormat = {
  name: 'touchstone',
  files: 'touchstone_20230831.tsv',
  maxFiles: 1,
  async open({ paths: [path = ''] }) {
    const table = await Array.fromAsync(readTable(path));
    const rows = new Map(table.map((entry) => [entry.index, entry]));
    const items = table.map(
      (entry): EvalItem<never> => ({
        question: {
          id: entry.index,
          messages: [
            {
              role: 'user',
              content: [
                { type: 'image', read: () => readPictureAt(path, entry.place) },
                { type: 'text', text: entry.question },
              ],
            },
          ],
        },
        part: entry.task_name,
      }),
    );
    return createDataset<never>({
      name: this.name,
      items,
      style: 'chat',
      maxTokens: 512,
      measures: [],
      figures: () => ({}),
      submission: (of, outputs) =>
        submission(
          of.flatMap(({ question: { id } }) => rows.get(id) ?? []),
          outputs,
        ),
    });
  },
};

async function* readTable(path: string): AsyncGenerator<Row> {
  const table = chain([createReadStream(path), parse({ ...TABLE, columns: true, info: true })]);
  let number = 0;
  let start = 0;
  try {
    for await (const { record, info } of table) {
      const { image: _, ...fields } = checkEntry(row, record, `${path}, row ${++number}`);
      yield { ...fields, place: { start, end: info.bytes, columns: Object.keys(record) } };
      start = info.bytes;
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The bytes of the picture of a row. */
async function readPictureAt(path: string, { start, end, columns }: Place): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    const records = parseWhole(buffer, { ...TABLE, columns });
    const { image } = checkEntry(row, records.at(-1), path);
    return Buffer.from(image, 'base64');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): EideticError {
  if (cause instanceof EideticError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EideticError('invalid_request', `${path} cannot be read as a table: ${reason}.`, { cause });
}

function submission(rows: readonly Row[], outputs: Outputs): string {
  const lines = [
    [...KEPT, 'response'],
    ...rows.map((entry) => [...KEPT.map((name) => entry[name]), outputs.get(entry.index) ?? '']),
  ];
  return lines.map((fields) => `${fields.map(quoted).join('\t')}\n`).join('');
}

const quoted = (field: string): string => (/["\t\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
