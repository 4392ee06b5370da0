/** Figures of the two models on one data set, by the row of the table that they belong beside. */
export interface PublishedFigures {
  /** Where they are from, and what is different about how they were had. */
  readonly source: string;
  readonly rows: Readonly<Record<string, PublishedRow>>;
}

/** In the unit of the data set's measure; absent where nothing is published. */
export interface PublishedRow {
  readonly 'Qwen-VL'?: number;
  readonly 'Qwen-VL-Chat'?: number;
}

const PAPER = 'Bai et al., arXiv 2308.12966';

const both = (base: number, chat: number): PublishedRow => ({ 'Qwen-VL': base, 'Qwen-VL-Chat': chat });
const ofAll = (base: number, chat: number) => ({ all: both(base, chat) });
const chatOnly = (rows: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(rows).map(([row, chat]) => [row, { 'Qwen-VL-Chat': chat }]));

/**
 * What was published of Qwen-VL and Qwen-VL-Chat, by name of the data set. From the paper (https://arxiv.org/abs/2308.12966); the subtasks of MME
 * from eval_mm/mme/EVAL_MME.md in github.com/QwenLM/Qwen-VL, whose README has most of the others as well.
 */
export const PUBLISHED: Readonly<Record<string, PublishedFigures>> = {
  flickr30k: { source: `${PAPER}, table 4`, rows: ofAll(85.8, 81.0) },
  nocaps: { source: `${PAPER}, table 4`, rows: ofAll(121.4, 120.2) },
  vqav2: { source: `${PAPER}, table 4; of test-dev, which visualqa.org scores`, rows: ofAll(79.5, 78.2) },
  okvqa: { source: `${PAPER}, table 4`, rows: ofAll(58.6, 56.6) },
  gqa: { source: `${PAPER}, table 4`, rows: ofAll(59.3, 57.5) },
  vizwiz: { source: `${PAPER}, table 4; of the test set, which vizwiz.org scores`, rows: ofAll(35.2, 38.9) },
  textvqa: { source: `${PAPER}, table 5`, rows: ofAll(63.8, 61.5) },
  docvqa: { source: `${PAPER}, table 5; of the test set, which docvqa.org scores`, rows: ofAll(65.1, 62.6) },
  chartqa: { source: `${PAPER}, table 5; the mean of both sets`, rows: ofAll(65.7, 66.3) },
  ai2d: { source: `${PAPER}, table 5`, rows: ofAll(62.3, 57.7) },
  ocrvqa: { source: `${PAPER}, table 5`, rows: ofAll(75.7, 70.5) },
  refcoco: {
    source: `${PAPER}, table 6`,
    rows: {
      refcoco_val: both(89.36, 88.55),
      refcoco_testA: both(92.26, 92.27),
      refcoco_testB: both(85.34, 84.51),
      'refcoco+_val': both(83.12, 82.82),
      'refcoco+_testA': both(88.25, 88.59),
      'refcoco+_testB': both(77.21, 76.79),
      refcocog_val: both(85.58, 85.96),
      refcocog_test: both(85.48, 86.32),
    },
  },
  'seed-bench': {
    source: `${PAPER}, table 7`,
    rows: { image: both(62.3, 65.4), video: both(39.1, 37.8), all: both(56.3, 58.2) },
  },
  mme: {
    source: `${PAPER}, table 7; subtasks from EVAL_MME.md of github.com/QwenLM/Qwen-VL`,
    rows: chatOnly({
      existence: 158.33,
      count: 150,
      position: 128.33,
      color: 170,
      posters: 178.57,
      celebrity: 120.59,
      scene: 152.25,
      landmark: 164,
      artwork: 125.5,
      OCR: 140,
      commonsense_reasoning: 130.71,
      numerical_calculation: 40,
      text_translation: 147.5,
      code_reasoning: 42.5,
      perception: 1487.58,
      cognition: 360.71,
    }),
  },
};
