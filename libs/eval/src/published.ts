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

const README = 'README of github.com/QwenLM/Qwen-VL';
const PAPER = 'Bai et al., arXiv 2308.12966';

const both = (base: number, chat: number): PublishedRow => ({ 'Qwen-VL': base, 'Qwen-VL-Chat': chat });
const ofAll = (base: number, chat: number) => ({ all: both(base, chat) });
const baseOnly = (base: number) => ({ all: { 'Qwen-VL': base } });
const chatOnly = (rows: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(rows).map(([row, chat]) => [row, { 'Qwen-VL-Chat': chat }]));

/**
 * What was published of Qwen-VL and Qwen-VL-Chat, by name of the data set, as far as the sources could be compared: the README and
 * eval_mm/mme/EVAL_MME.md of github.com/QwenLM/Qwen-VL; the chat model's figures on documents and charts from the paper
 * (https://arxiv.org/abs/2308.12966) as indexes of results quote it.
 */
export const PUBLISHED: Readonly<Record<string, PublishedFigures>> = {
  flickr30k: { source: README, rows: ofAll(85.8, 81.0) },
  nocaps: { source: README, rows: ofAll(121.4, 120.2) },
  vqav2: { source: `${README}; of test-dev, which visualqa.org scores`, rows: ofAll(78.8, 78.2) },
  okvqa: { source: README, rows: ofAll(58.6, 56.6) },
  gqa: { source: README, rows: ofAll(59.3, 57.5) },
  vizwiz: { source: `${README}; of the test set, which vizwiz.org scores`, rows: ofAll(35.2, 38.9) },
  textvqa: { source: README, rows: baseOnly(63.8) },
  docvqa: { source: `${README} and ${PAPER}; of the test set, which docvqa.org scores`, rows: ofAll(65.1, 62.6) },
  chartqa: { source: `${README} and ${PAPER}; the mean of both sets`, rows: ofAll(65.7, 66.3) },
  ai2d: { source: README, rows: baseOnly(62.3) },
  ocrvqa: { source: README, rows: baseOnly(75.7) },
  refcoco: {
    source: README,
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
  mme: {
    source: 'eval_mm/mme/EVAL_MME.md of github.com/QwenLM/Qwen-VL',
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
