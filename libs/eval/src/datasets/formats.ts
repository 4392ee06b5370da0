import type { DatasetFormat } from '../dataset.ts';
import { flickr30k, nocaps } from './captions.ts';
import { chartqa } from './chartqa.ts';
import { docvqa } from './docvqa.ts';
import { ai2d, gqa, ocrvqa } from './lines-only.ts';
import { mme } from './mme.ts';
import { ownQuestions } from './own-questions.ts';
import { refcoco } from './refcoco.ts';
import { seedBench } from './seed-bench.ts';
import { textvqa } from './textvqa.ts';
import { touchstone } from './touchstone.ts';
import { okvqa, vizwiz, vqav2 } from './vqa.ts';

/** The formats of data sets that can be read, in the order of the paper's tables; Eidetic's own comes last. */
export const DATASET_FORMATS: readonly DatasetFormat[] = [
  flickr30k,
  nocaps,
  vqav2,
  okvqa,
  gqa,
  vizwiz,
  textvqa,
  docvqa,
  chartqa,
  ai2d,
  ocrvqa,
  refcoco,
  seedBench,
  mme,
  touchstone,
  ownQuestions,
];
