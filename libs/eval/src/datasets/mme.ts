import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { createDataset, type EvalItem, measuredBy } from '../create-dataset.ts';
import type { DatasetFormat } from '../dataset.ts';
import { METRICS } from '../metrics/metrics.ts';
import { MME_SUBTASKS, type MmeSubtask, type WantedMme } from '../metrics/mme-score.ts';
import { pictureQuestion } from '../question.ts';
import { isFolder } from './picture-folder.ts';

const LINE = /^(.+)\t(yes|no)$/i;

/** Where the pictures of a subtask are: beside the questions, or in a folder of their own, for `artwork` one deeper. */
const PICTURE_FOLDERS = ['images', 'images/toy_dataset'];
const QUESTION_FOLDER = 'questions_answers_YN';

/**
 * MME (Fu et al., 2023) as its folder `MME_Benchmark_release` is published: a folder for each subtask, in which each picture has a text file
 * of the same name with two lines `question<TAB>Yes` or `No`, both side by side or in `images` and `questions_answers_YN`. A subtask has up
 * to 200 points. The question is put as eval_mm/mme/eval.py in github.com/QwenLM/Qwen-VL puts it, by chat.
 */
export const mme: DatasetFormat = {
  name: 'mme',
  files: 'MME_Benchmark_release/',
  maxFiles: 1,
  async open({ paths: [root = ''] }) {
    const items: EvalItem<WantedMme>[] = [];
    const absent: string[] = [];
    for (const [section, subtasks] of Object.entries(MME_SUBTASKS)) {
      for (const subtask of subtasks) {
        const folder = join(root, subtask);
        if (await isFolder(folder)) items.push(...(await readSubtask(folder, subtask, section)));
        else absent.push(subtask);
      }
    }
    if (items.length === 0) {
      throw new EideticError('invalid_request', `${root} has none of MME's folders, such as existence or OCR.`);
    }
    return createDataset({
      name: this.name,
      items,
      style: 'chat',
      maxTokens: 512,
      summed: MME_SUBTASKS,
      ...measuredBy('points', METRICS['mme-score'], ''),
      notes: absent.length === 0 ? [] : [`There is no folder for ${absent.join(', ')}.`],
    });
  },
};

async function readSubtask(folder: string, subtask: MmeSubtask, section: string): Promise<EvalItem<WantedMme>[]> {
  const questionFolder = join(folder, QUESTION_FOLDER);
  const apart = await isFolder(questionFolder);
  const texts = (await readdir(apart ? questionFolder : folder)).filter((name) => name.endsWith('.txt')).sort();
  const pictures = await picturesByName(apart ? PICTURE_FOLDERS.map((name) => join(folder, name)) : [folder]);
  const items: EvalItem<WantedMme>[] = [];
  for (const text of texts) {
    const name = text.slice(0, -'.txt'.length);
    const path = join(apart ? questionFolder : folder, text);
    // A picture that is missing is reported with the others, under the name that most have.
    const image = pictures.get(name) ?? join(folder, apart ? 'images' : '', `${name}.jpg`);
    const lines = (await readFile(path, 'utf8')).split(/\r?\n/).filter((line) => line.trim() !== '');
    if (lines.length !== 2)
      throw new EideticError('invalid_request', `${path} has ${lines.length} questions instead of 2.`);
    for (const [index, line] of lines.entries()) {
      const [, question = '', answer = ''] = LINE.exec(line.trim()) ?? [];
      if (question === '') {
        throw new EideticError(
          'invalid_request',
          `${path}, question ${index + 1}: expected a question, a tab, and Yes or No.`,
        );
      }
      items.push({
        question: pictureQuestion(
          `${subtask}/${name}/${index + 1}`,
          [
            { type: 'image', image },
            { type: 'text', text: `\n${question}` },
          ],
          {
            unit: `${subtask}/${name}`,
            chat: [
              { type: 'image', image },
              { type: 'text', text: question },
            ],
          },
        ),
        part: subtask,
        section,
        wanted: { subtask, image: name, answer: answer.toLowerCase() === 'yes' ? 'yes' : 'no' },
      });
    }
  }
  return items;
}

/** Paths of the pictures in these folders, by name without extension. */
async function picturesByName(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    if (!(await isFolder(folder))) continue;
    for (const file of await readdir(folder)) {
      const [, name] = /^(.+)\.(?:jpe?g|png)$/i.exec(file) ?? [];
      if (name !== undefined) found.set(name, join(folder, file));
    }
  }
  return found;
}
