import { basename, join } from 'node:path';
import { z } from 'zod';
import { createDataset, type EvalItem, measuredBy } from '../create-dataset.ts';
import type { DatasetFormat } from '../dataset.ts';
import { METRICS } from '../metrics/metrics.ts';
import { jsonEntries } from './json-entries.ts';
import { pictureFolder } from './picture-folder.ts';
import { isVqaLines, vqaLines } from './vqa-lines.ts';
import { vqaQuestion } from './vqa-question.ts';

const entry = z.object({ imgname: z.string().min(1), query: z.string(), label: z.string() });

type Item = EvalItem<readonly string[]>;

/**
 * ChartQA (github.com/vis-nlp/ChartQA, Masry et al., 2022): `test_human.json` and `test_augmented.json`, lists of `{imgname, query, label}`,
 * and `png/` beside them; or the lines of Qwen-VL's evaluation. Each file is a part; the paper's figure is that of both.
 */
export const chartqa: DatasetFormat = {
  name: 'chartqa',
  files: 'test_human.json test_augmented.json',
  maxFiles: Number.POSITIVE_INFINITY,
  async open(files) {
    const items: Item[] = [];
    for (const path of files.paths) {
      const part = basename(path).replace(/\.jsonl?$/, '');
      const read = isVqaLines(path)
        ? fromLines(path, part, await pictureFolder(files))
        : fromJson(path, part, await pictureFolder(files, ['png']));
      items.push(...(await Array.fromAsync(read)));
    }
    return createDataset({
      name: this.name,
      items,
      style: 'raw',
      maxTokens: 100,
      minTokens: 1,
      ...measuredBy('relaxed accuracy', METRICS['relaxed-accuracy']),
    });
  },
};

/** Questions have no ids; their place in the file is one. */
async function* fromJson(path: string, part: string, folder: string): AsyncGenerator<Item> {
  let number = 0;
  for await (const { imgname, query, label } of jsonEntries(path, undefined, entry)) {
    const id = `${part}-${number++}`;
    yield { question: vqaQuestion(id, join(folder, imgname), query), part, wanted: [label] };
  }
}

async function* fromLines(path: string, part: string, folder: string): AsyncGenerator<Item> {
  let number = 0;
  for await (const { image, question, answers } of vqaLines(path, folder)) {
    const id = `${part}-${number++}`;
    yield { question: vqaQuestion(id, image, question), part, wanted: answers };
  }
}
