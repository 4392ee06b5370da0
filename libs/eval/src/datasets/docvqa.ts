import { resolve } from 'node:path';
import { z } from 'zod';
import { createDataset, type EvalItem, measuredBy } from '../create-dataset.ts';
import type { DatasetFormat } from '../dataset.ts';
import { METRICS } from '../metrics/metrics.ts';
import { jsonEntries } from './json-entries.ts';
import { pictureFolder } from './picture-folder.ts';
import { isVqaLines, vqaLines } from './vqa-lines.ts';
import { vqaQuestion } from './vqa-question.ts';

const entry = z.object({
  questionId: z.union([z.number(), z.string()]),
  question: z.string(),
  /** Such as `documents/xnbl0037_1.png`. */
  image: z.string().min(1),
  /** The test set comes without. */
  answers: z.array(z.string()).min(1).optional(),
});

type Item = EvalItem<readonly string[]>;

/**
 * DocVQA (docvqa.org, Mathew et al., 2021), single pages: `val_v1.0.json` with a list `data` of `{questionId, question, image, answers}`, and
 * `documents/` beside it; or the lines of Qwen-VL's evaluation.
 */
export const docvqa: DatasetFormat = {
  name: 'docvqa',
  files: 'val_v1.0.json',
  maxFiles: 1,
  async open(files) {
    const {
      paths: [path = ''],
    } = files;
    const folder = await pictureFolder(files);
    return createDataset({
      name: this.name,
      items: await Array.fromAsync(isVqaLines(path) ? fromLines(path, folder) : fromJson(path, folder)),
      style: 'raw',
      maxTokens: 100,
      minTokens: 1,
      ...measuredBy('ANLS', METRICS.anls),
      submission: (items, outputs) =>
        JSON.stringify(
          items.map(({ question: { id } }) => ({ questionId: Number(id), answer: (outputs.get(id) ?? '').trim() })),
        ),
    });
  },
};

async function* fromJson(path: string, folder: string): AsyncGenerator<Item> {
  for await (const { questionId, question, image, answers } of jsonEntries(path, 'data', entry)) {
    yield { question: vqaQuestion(String(questionId), resolve(folder, image), question), wanted: answers };
  }
}

async function* fromLines(path: string, folder: string): AsyncGenerator<Item> {
  for await (const { id, image, question, answers } of vqaLines(path, folder)) {
    yield { question: vqaQuestion(id, image, question), wanted: answers };
  }
}
