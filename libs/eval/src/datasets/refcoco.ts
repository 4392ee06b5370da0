import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { createDataset, type EvalItem, measuredBy } from '../create-dataset.ts';
import type { DatasetFormat } from '../dataset.ts';
import type { WantedBox } from '../metrics/box-accuracy.ts';
import { METRICS } from '../metrics/metrics.ts';
import { pictureQuestion } from '../question.ts';
import { jsonLines } from './json-lines.ts';
import { pictureFolder } from './picture-folder.ts';

const line = z.object({
  image: z.string().min(1),
  /** The expression that refers to what is in the box. */
  sent: z.string(),
  /** Corners x1, y1, x2, y2 in pixels. */
  bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  width: z.number().positive(),
  height: z.number().positive(),
});

/**
 * RefCOCO, RefCOCO+ and RefCOCOg: the lines `{image, sent, bbox, height, width}` of Qwen-VL's evaluation (eval_mm/evaluate_grounding.py in
 * github.com/QwenLM/Qwen-VL; where they are to be had says its EVALUATION.md), one file for each split. Their pictures are relative to its folder
 * `eval_mm`. The pickles in which REFER publishes the data sets are not read.
 */
export const refcoco: DatasetFormat = {
  name: 'refcoco',
  files: 'refcoco_val.jsonl …',
  maxFiles: Number.POSITIVE_INFINITY,
  async open(files) {
    const folder = await pictureFolder(files);
    const items: EvalItem<WantedBox>[] = [];
    for (const path of files.paths) {
      const part = basename(path, '.jsonl');
      for await (const { value, number } of jsonLines(path, line)) {
        const { image, sent, bbox, width, height } = value;
        const picture = { type: 'image', image: resolve(folder, image) } as const;
        const question = pictureQuestion(
          `${part}-${number}`,
          [picture, { type: 'text', text: `<ref>${sent}</ref><box>` }],
          // A dialog has no open tag for the model to go on with.
          { chat: [picture, { type: 'text', text: `Draw a box around this: ${sent}` }] },
        );
        items.push({ question, part, wanted: { box: bbox, width, height } });
      }
    }
    return createDataset({
      name: this.name,
      items,
      style: 'raw',
      maxTokens: 28,
      minTokens: 10,
      ...measuredBy('accuracy at IoU 0.5', METRICS['box-accuracy']),
      overall: false,
    });
  },
};
