import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { createDataset, type EvalItem, measuredBy } from '../create-dataset.ts';
import type { DatasetFiles, DatasetFormat } from '../dataset.ts';
import { METRICS } from '../metrics/metrics.ts';
import { type EvalPart, type EvalQuestion, pictureQuestion } from '../question.ts';
import { jsonEntries, jsonField } from './json-entries.ts';
import { jsonLines } from './json-lines.ts';
import { isFolder, pictureFolder } from './picture-folder.ts';

const LETTERS = ['A', 'B', 'C', 'D'] as const;
const letter = z.enum(LETTERS);
/** The dimensions after this one are about videos. */
const LAST_PICTURE_DIMENSION = 9;
const FRAMES = 4;
const FRAME_FOLDER = `video_imgs_${FRAMES}`;
/** A dialog has to ask for the letter, by which its answer is judged. */
const ASK_FOR_LETTER = '\nAnswer with the letter of the right option.';

const entry = z.object({
  question_id: z.union([z.string(), z.number()]),
  question: z.string(),
  question_type_id: z.int().positive(),
  data_id: z.string().min(1),
  choice_a: z.string(),
  choice_b: z.string(),
  choice_c: z.string(),
  choice_d: z.string(),
  answer: letter,
});

const line = z.object({ question_id: z.union([z.string(), z.number()]), prompt: z.string(), answer: letter });

type Item = EvalItem<string>;

/**
 * SEED-Bench (Li et al., 2023): `SEED-Bench.json` with a list `questions` of `{question_id, question, question_type_id, data_id, choice_a … choice_d,
 * answer}` and the names of the dimensions in `question_type`, and pictures in `SEED-Bench-image/`. Videos are asked about by four frames, as
 * eval_mm/seed_bench in github.com/QwenLM/Qwen-VL has it: its trans.py cuts them into `video_imgs_4/`. Its lines `{question_id, prompt, answer}` are
 * read as well. Over completions the likeliest letter is the answer, in dialogs the first of the answer.
 */
export const seedBench: DatasetFormat = {
  name: 'seed-bench',
  files: 'SEED-Bench.json',
  maxFiles: Number.POSITIVE_INFINITY,
  async open(files) {
    const [path = ''] = files.paths;
    const { items, notes } = path.endsWith('.jsonl') ? await fromLines(files) : await fromJson(path, files);
    return createDataset({
      name: this.name,
      items,
      notes,
      style: 'raw',
      maxTokens: 10,
      ...measuredBy('accuracy', METRICS['multiple-choice']),
      submission: (of, outputs) =>
        of
          .map(({ question: { id } }) =>
            JSON.stringify({ question_id: id, prediction: (outputs.get(id) ?? '').trim() }),
          )
          .map((text) => `${text}\n`)
          .join(''),
    });
  },
};

async function fromJson(path: string, files: DatasetFiles) {
  const pictures = await pictureFolder(files, ['SEED-Bench-image']);
  const frames = join(await pictureFolder(files), FRAME_FOLDER);
  const hasFrames = await isFolder(frames);
  const names = await dimensionNames(path);
  const items: Item[] = [];
  let left = 0;
  for await (const value of jsonEntries(path, 'questions', entry)) {
    const id = String(value.question_id);
    const isVideo = value.question_type_id > LAST_PICTURE_DIMENSION;
    if (isVideo && !hasFrames) {
      left++;
      continue;
    }
    const images = isVideo
      ? Array.from({ length: FRAMES }, (_, index) => join(frames, `${id}_${index}.jpg`))
      : [join(pictures, value.data_id)];
    const options = [value.choice_a, value.choice_b, value.choice_c, value.choice_d];
    const listed = LETTERS.map((name, index) => `${name}. ${options[index]}`).join('\n');
    const content: readonly EvalPart[] = [
      ...images.flatMap((image) => [{ type: 'image', image } as const, { type: 'text', text: '\n' } as const]),
      { type: 'text', text: `Question: ${value.question}\nOptions: ${listed}\nAnswer:` },
    ];
    items.push({
      question: choiceQuestion(id, content),
      part: names.get(value.question_type_id) ?? `dimension ${value.question_type_id}`,
      section: isVideo ? 'video' : 'image',
      wanted: value.answer,
    });
  }
  const note = `${left} questions about videos are left out: there is no ${frames} with their frames.`;
  return { items, notes: left === 0 ? [] : [note] };
}

async function fromLines(files: DatasetFiles) {
  const folder = await pictureFolder(files);
  const items: Item[] = [];
  for (const path of files.paths) {
    for await (const { value } of jsonLines(path, line)) {
      const content = value.prompt
        .split(/<img>(.*?)<\/img>/)
        .map(
          (text, index): EvalPart =>
            index % 2 === 0 ? { type: 'text', text } : { type: 'image', image: resolve(folder, text) },
        )
        .filter((part) => part.type === 'image' || part.text !== '');
      const question = choiceQuestion(String(value.question_id), content);
      items.push({ question, part: basename(path, '.jsonl'), wanted: value.answer });
    }
  }
  return { items, notes: [] };
}

const choiceQuestion = (id: string, content: readonly EvalPart[]): EvalQuestion =>
  pictureQuestion(id, content, { choices: LETTERS, chat: [...content, { type: 'text', text: ASK_FOR_LETTER }] });

async function dimensionNames(path: string): Promise<ReadonlyMap<number, string>> {
  const names = z.record(z.string(), z.number()).safeParse(await jsonField(path, 'question_type'));
  return new Map(Object.entries(names.data ?? {}).map(([name, id]) => [id, name]));
}
