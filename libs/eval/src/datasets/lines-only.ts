import { basename } from 'node:path';
import { createDataset, type EvalItem, measuredBy } from '../create-dataset.ts';
import type { DatasetFormat } from '../dataset.ts';
import type { Metric } from '../metrics/metric.ts';
import { METRICS } from '../metrics/metrics.ts';
import { pictureFolder } from './picture-folder.ts';
import { vqaLines } from './vqa-lines.ts';
import { vqaQuestion } from './vqa-question.ts';

type Wanted = readonly string[];

/** GQA (Hudson and Manning, 2019), in the lines of Qwen-VL's evaluation. */
export const gqa = linesFormat('gqa', 'testdev_balanced.jsonl', 10, METRICS['gqa-accuracy']);

/** AI2D (Kembhavi et al., 2016), in the lines of Qwen-VL's evaluation. */
export const ai2d = linesFormat('ai2d', 'test.jsonl', 10, METRICS['exact-match']);

/** OCR-VQA (Mishra et al., 2019), in the lines of Qwen-VL's evaluation. */
export const ocrvqa = linesFormat('ocrvqa', 'ocrvqa_test.jsonl', 100, METRICS['exact-match']);

function linesFormat(name: string, file: string, maxTokens: number, metric: Metric<Wanted>): DatasetFormat {
  return {
    name,
    files: file,
    maxFiles: 1,
    async open(files) {
      const [path = ''] = files.paths;
      const folder = await pictureFolder(files);
      const items: EvalItem<Wanted>[] = [];
      for await (const { image, question, answers } of vqaLines(path, folder)) {
        // The ids of AI2D's lines are those of pictures, which have several questions.
        const id = `${basename(path, '.jsonl')}-${items.length + 1}`;
        items.push({ question: vqaQuestion(id, image, question), wanted: answers });
      }
      return createDataset({ name, items, style: 'raw', maxTokens, minTokens: 1, ...measuredBy('accuracy', metric) });
    },
  };
}
