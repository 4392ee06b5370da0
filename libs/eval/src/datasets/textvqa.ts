import { join } from 'node:path';
import { z } from 'zod';
import type { EvalItem } from '../create-dataset.ts';
import type { DatasetFiles, DatasetFormat } from '../dataset.ts';
import { jsonEntries } from './json-entries.ts';
import { pictureFolder } from './picture-folder.ts';
import { readAnnotations, vqaDataset } from './vqa.ts';
import { isVqaLines, vqaLines } from './vqa-lines.ts';
import { vqaQuestion } from './vqa-question.ts';

const entry = z.object({
  question_id: z.int(),
  image_id: z.string().min(1),
  question: z.string(),
  /** Ten people's; the test set comes without. */
  answers: z.array(z.string()).min(1).optional(),
});

type Item = EvalItem<readonly string[]>;

/**
 * TextVQA 0.5.1 (textvqa.org, Singh et al., 2019): `TextVQA_0.5.1_val.json` with a list `data` of `{question_id, image_id, question, answers}`, and the
 * pictures in `train_images/`, the validation's as well; or the lines of Qwen-VL's evaluation with its `textvqa_val_annotations.json`.
 */
export const textvqa: DatasetFormat = {
  name: 'textvqa',
  files: 'TextVQA_0.5.1_val.json',
  maxFiles: 2,
  async open(files) {
    const [path = '', annotationPath] = files.paths;
    const read = isVqaLines(path) ? fromLines(path, annotationPath, files) : fromJson(path, files);
    const items = await Array.fromAsync(read);
    return vqaDataset(
      this.name,
      items,
      items.some(({ wanted }) => wanted !== undefined),
    );
  },
};

async function* fromJson(path: string, files: DatasetFiles): AsyncGenerator<Item> {
  const folder = await pictureFolder(files, [path.includes('_test') ? 'test_images' : 'train_images']);
  for await (const { question_id: id, image_id: imageId, question, answers } of jsonEntries(path, 'data', entry)) {
    yield { question: vqaQuestion(String(id), join(folder, `${imageId}.jpg`), question), wanted: answers };
  }
}

async function* fromLines(path: string, annotationPath: string | undefined, files: DatasetFiles): AsyncGenerator<Item> {
  const annotations = annotationPath === undefined ? undefined : await readAnnotations(annotationPath);
  for await (const { id, image, question } of vqaLines(path, await pictureFolder(files))) {
    yield { question: vqaQuestion(id, image, question), wanted: annotations?.get(id)?.answers };
  }
}
