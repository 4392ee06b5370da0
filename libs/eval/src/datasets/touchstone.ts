import { createReadStream } from 'node:fs';
import { EideticError } from '@eidetic/core';
import { parse } from 'csv-parse';
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

type Row = z.infer<typeof row>;

/**
 * TouchStone (github.com/OFA-Sys/TouchStone, Bai et al., 2023): `touchstone_20230831.tsv`, a table with a header whose fields are separated by tabs
 * and quoted as in CSV, pictures in base64. A language model is its judge: nothing is scored here, and the submission is the table that its eval.py
 * takes. All of the table is held in memory, some 70 MB.
 */
export const touchstone: DatasetFormat = {
  name: 'touchstone',
  files: 'touchstone_20230831.tsv',
  maxFiles: 1,
  async open({ paths: [path = ''] }) {
    const table = await Array.fromAsync(readTable(path));
    const rows = new Map(table.map((entry) => [entry.index, entry]));
    const items = table.map(
      ({ index, question, image, task_name: part }): EvalItem<never> => ({
        question: {
          id: index,
          messages: [
            {
              role: 'user',
              content: [
                { type: 'image', base64: image },
                { type: 'text', text: question },
              ],
            },
          ],
        },
        part,
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
  const fields = { delimiter: '\t', columns: true, bom: true, relax_quotes: true, skip_empty_lines: true } as const;
  const table = chain([createReadStream(path), parse(fields)]);
  let number = 0;
  try {
    for await (const record of table) yield checkEntry(row, record, `${path}, row ${++number}`);
  } catch (cause) {
    if (cause instanceof EideticError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EideticError('invalid_request', `${path} cannot be read as a table: ${reason}.`, { cause });
  }
}

function submission(rows: readonly Row[], outputs: Outputs): string {
  const lines = [
    [...KEPT, 'response'],
    ...rows.map((entry) => [...KEPT.map((name) => entry[name]), outputs.get(entry.index) ?? '']),
  ];
  return lines.map((fields) => `${fields.map(quoted).join('\t')}\n`).join('');
}

const quoted = (field: string): string => (/["\t\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
