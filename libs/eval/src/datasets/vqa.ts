import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { z } from 'zod';
import { createDataset, type EvalItem, measuredBy } from '../create-dataset.ts';
import type { DatasetFiles, DatasetFormat, Outputs } from '../dataset.ts';
import { METRICS } from '../metrics/metrics.ts';
import type { EvalQuestion } from '../question.ts';
import { jsonEntries, jsonField } from './json-entries.ts';
import { pictureFolder } from './picture-folder.ts';
import { isVqaLines, vqaLines } from './vqa-lines.ts';
import { vqaQuestion } from './vqa-question.ts';

const question = z.object({ question_id: z.int(), image_id: z.int().nonnegative(), question: z.string() });

const annotation = z.object({
  question_id: z.int(),
  answers: z.array(z.object({ answer: z.string() })).min(1),
  /** `yes/no`, `number` or `other`. */
  answer_type: z.string().optional(),
});

/** What is known of the answer to a question. */
interface Annotation {
  readonly answers: readonly string[];
  readonly answerType: string | undefined;
}

/**
 * VQAv2 (visualqa.org, Goyal et al., 2017): the files of questions and of annotations, and the pictures of COCO in a folder for each year, such as
 * `val2014/`. In place of the questions may be the lines of Qwen-VL's evaluation. Without annotations, as for test-dev, nothing is scored:
 * the submission is what the evaluation server takes.
 */
export const vqav2 = vqaFormat(
  'vqav2',
  'v2_OpenEnded_mscoco_val2014_questions.json v2_mscoco_val2014_annotations.json',
);

/** OK-VQA (okvqa.allenai.org, Marino et al., 2019), in the format of {@link vqav2}. */
export const okvqa = vqaFormat('okvqa', 'OpenEnded_mscoco_val2014_questions.json mscoco_val2014_annotations.json');

/** VizWiz (Gurari et al., 2018): the lines of Qwen-VL's evaluation, and its annotations in the format of {@link vqav2}. */
export const vizwiz = vqaFormat('vizwiz', 'vizwiz_val.jsonl vizwiz_val_annotations.json');

function vqaFormat(name: string, files: string): DatasetFormat {
  return {
    name,
    files,
    maxFiles: 2,
    async open(given) {
      const [path = '', annotationPath] = given.paths;
      const annotations = annotationPath === undefined ? undefined : await readAnnotations(annotationPath);
      const items: EvalItem<readonly string[]>[] = [];
      for await (const asked of isVqaLines(path) ? fromLines(path, given) : fromJson(path, given)) {
        const known = annotations?.get(asked.id);
        if (annotations !== undefined && known === undefined) {
          const message = `${annotationPath} has no annotation of the question ${asked.id} of ${path}. Are they of the same split?`;
          throw new EideticError('invalid_request', message);
        }
        items.push({ question: asked, part: known?.answerType, wanted: known?.answers });
      }
      return vqaDataset(name, items, annotations !== undefined);
    },
  };
}

/** A data set whose answers are scored by agreement with ten people's. The judge of VizWiz has a form of its own. */
export function vqaDataset(name: string, items: readonly EvalItem<readonly string[]>[], scored: boolean) {
  return createDataset({
    name,
    items,
    style: 'raw',
    maxTokens: 10,
    minTokens: 1,
    ...measuredBy('VQA accuracy', METRICS['vqa-accuracy']),
    ...(name !== 'vizwiz' && { submission: vqaSubmission }),
    notes: scored ? [] : ['Without annotations the answers are not scored.'],
  });
}

/** The form of visualqa.org/evaluation.html. */
function vqaSubmission(items: readonly EvalItem<readonly string[]>[], outputs: Outputs): string {
  return JSON.stringify(
    items.map(({ question: { id } }) => ({ question_id: Number(id), answer: (outputs.get(id) ?? '').trim() })),
  );
}

/** The annotations of a file in the format of VQA, by id of the question. */
export async function readAnnotations(path: string): Promise<ReadonlyMap<string, Annotation>> {
  const annotations = new Map<string, Annotation>();
  for await (const { question_id: id, answers, answer_type: answerType } of jsonEntries(
    path,
    'annotations',
    annotation,
  )) {
    annotations.set(String(id), { answers: answers.map(({ answer }) => answer), answerType });
  }
  return annotations;
}

async function* fromJson(path: string, files: DatasetFiles): AsyncGenerator<EvalQuestion> {
  // test-dev is a part of the test set, whose pictures are test2015's.
  const subset = String((await jsonField(path, 'data_subtype')) ?? '').replace('test-dev', 'test');
  if (subset === '') throw new EideticError('invalid_request', `${path} has no "data_subtype", such as "val2014".`);
  const folder = await pictureFolder(files, [subset]);
  for await (const { question_id: id, image_id: imageId, question: text } of jsonEntries(path, 'questions', question)) {
    const picture = `COCO_${subset}_${String(imageId).padStart(12, '0')}.jpg`;
    yield vqaQuestion(String(id), join(folder, picture), text);
  }
}

async function* fromLines(path: string, files: DatasetFiles): AsyncGenerator<EvalQuestion> {
  const folder = await pictureFolder(files);
  for await (const { id, image, question: text } of vqaLines(path, folder)) yield vqaQuestion(id, image, text);
}
