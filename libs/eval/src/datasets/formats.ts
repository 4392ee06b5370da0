import type { DatasetFormat } from '../dataset.ts';
import { chartqa } from './chartqa.ts';
import { docvqa } from './docvqa.ts';
import { mme } from './mme.ts';
import { ownQuestions } from './own-questions.ts';
import { refcoco } from './refcoco.ts';
import { seedBench } from './seed-bench.ts';
import { touchstone } from './touchstone.ts';

/** The formats of data sets that can be read, in the order of the paper's tables; Eidetic's own comes last. */
export const DATASET_FORMATS: readonly DatasetFormat[] = [
  docvqa,
  chartqa,
  refcoco,
  seedBench,
  mme,
  touchstone,
  ownQuestions,
];
