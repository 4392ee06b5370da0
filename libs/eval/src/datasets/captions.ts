import { join, resolve } from 'node:path';
import { EideticError } from '@eidetic/core';
import { z } from 'zod';
import { createDataset, type EvalItem, measuredBy } from '../create-dataset.ts';
import type { DatasetFiles, DatasetFormat } from '../dataset.ts';
import { METRICS } from '../metrics/metrics.ts';
import { pictureQuestion } from '../question.ts';
import { checkEntry } from './check-entry.ts';
import { jsonEntries } from './json-entries.ts';
import { pictureFolder } from './picture-folder.ts';

/** A picture in Karpathy's form, with its captions. */
const splitPicture = z.object({
  imgid: z.int(),
  filename: z.string().min(1),
  split: z.string(),
  sentences: z.array(z.object({ raw: z.string() })).min(1),
});

/** A picture in COCO's form, whose captions are in another list; `image` is what Qwen-VL's evaluation has for `file_name`. */
const cocoPicture = z
  .object({
    id: z.union([z.int(), z.string()]),
    file_name: z.string().min(1).optional(),
    image: z.string().min(1).optional(),
    /** Of NoCaps, where the file tells it: `in-domain`, `near-domain` or `out-domain`. */
    domain: z.string().optional(),
  })
  .refine((picture) => picture.image !== undefined || picture.file_name !== undefined, {
    error: 'expected file_name or image',
  });

const caption = z.object({ image_id: z.union([z.int(), z.string()]), caption: z.string() });

type Item = EvalItem<readonly string[]>;

/**
 * Flickr30K with Karpathy's splits (cs.stanford.edu/people/karpathy/deepimagesent): `dataset_flickr30k.json` with a list `images` of `{filename, imgid, split,
 * sentences}`, of which the split `test` is asked, and the pictures in `flickr30k-images/`; or `flickr30k_karpathy_test.json` of Qwen-VL's evaluation.
 */
export const flickr30k = captionFormat('flickr30k', 'dataset_flickr30k.json', ['flickr30k-images', 'flickr30k_images']);

/**
 * NoCaps (nocaps.org, Agrawal et al., 2019): `nocaps_val_4500_captions.json` in COCO's form, with lists `images` of `{id, file_name, …}` and `annotations` of
 * `{image_id, caption}`; or `nocaps_val.json` of Qwen-VL's evaluation.
 */
export const nocaps = captionFormat('nocaps', 'nocaps_val_4500_captions.json', ['val', 'images']);

function captionFormat(name: string, files: string, folders: readonly string[]): DatasetFormat {
  return {
    name,
    files,
    maxFiles: 1,
    async open(given) {
      const [path = ''] = given.paths;
      const items = await Array.fromAsync(readPictures(path, given, folders));
      if (items.length === 0) throw new EideticError('invalid_request', `${path} has no pictures of the split "test".`);
      return createDataset({
        name,
        items,
        style: 'raw',
        maxTokens: 30,
        minTokens: 8,
        ...measuredBy('CIDEr', METRICS.cider, ''),
      });
    },
  };
}

async function* readPictures(path: string, files: DatasetFiles, folders: readonly string[]): AsyncGenerator<Item> {
  const base = await pictureFolder(files);
  const folder = await pictureFolder(files, folders);
  let captions: ReadonlyMap<string, readonly string[]> | undefined;
  let number = 0;
  for await (const entry of jsonEntries(path, 'images', z.looseObject({}))) {
    const at = `${path}: images[${number++}]`;
    if ('sentences' in entry) {
      const { imgid, filename, split, sentences } = checkEntry(splitPicture, entry, at);
      if (split === 'test')
        yield item(
          String(imgid),
          join(folder, filename),
          sentences.map(({ raw }) => raw),
        );
      continue;
    }
    captions ??= await readCaptions(path);
    const { id, image, file_name: fileName = '', domain } = checkEntry(cocoPicture, entry, at);
    // Paths of Qwen-VL's evaluation have their folders in them.
    const picture = image === undefined ? join(folder, fileName) : resolve(base, image);
    yield { ...item(String(id), picture, captions.get(String(id))), part: domain };
  }
}

/** Captions in COCO's form, by id of the picture. */
async function readCaptions(path: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const captions = new Map<string, string[]>();
  for await (const { image_id: id, caption: text } of jsonEntries(path, 'annotations', caption)) {
    const known = captions.get(String(id));
    if (known === undefined) captions.set(String(id), [text]);
    else known.push(text);
  }
  return captions;
}

/** A picture to describe, as eval_mm/evaluate_caption.py in github.com/QwenLM/Qwen-VL asks for it. */
function item(id: string, image: string, wanted: readonly string[] | undefined): Item {
  const text = 'Describe the image in English:';
  return {
    question: pictureQuestion(id, [
      { type: 'image', image },
      { type: 'text', text },
    ]),
    wanted,
  };
}
