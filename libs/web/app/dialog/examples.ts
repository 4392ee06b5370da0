import type { Language } from '../preferences/preferences.ts';

/** A picture that comes with the page, with questions that suit it; the first is asked from the start page. */
export interface Example {
  /** Path below the page. */
  readonly file: string;
  readonly name: Readonly<Record<Language, string>>;
  readonly questions: Readonly<Record<Language, readonly string[]>>;
}

/** Pictures that come with the page. */
export const EXAMPLES: readonly Example[] = [
  {
    file: 'examples/things.png',
    name: { en: 'Three things', zh: '三样东西' },
    questions: {
      en: ['Detect all objects.', 'Where is the violin?', 'Draw a box around the pudding.'],
      zh: ['框出所有物体。', '小提琴在哪里？', '框出布丁。'],
    },
  },
  {
    file: 'examples/bees.png',
    name: { en: 'Bees', zh: '蜜蜂' },
    questions: {
      en: ['How many bees are there?', 'What is this?', 'What color is the background?'],
      zh: ['图中有几个物体？', '这是什么？', '背景是什么颜色？'],
    },
  },
  {
    file: 'examples/train.png',
    name: { en: 'Steam train', zh: '蒸汽火车' },
    questions: {
      en: ['Frame the steam train.', 'What is this?', 'Is it an animal?'],
      zh: ['框出蒸汽火车。', '这是什么？', '它是动物吗？'],
    },
  },
  {
    file: 'examples/chart.png',
    name: { en: 'Bar chart', zh: '柱状图' },
    questions: {
      en: ['Which one is the highest?', 'Describe the chart.', 'What is the value of June?'],
      zh: ['哪个最高？', '描述这个图表。', '这是什么图表？'],
    },
  },
];

/** Questions that suit any picture. */
export const QUESTIONS: Example['questions'] = {
  en: ['What is this?', 'Detect all objects.', 'How many objects are there?'],
  zh: ['这是什么？', '框出所有物体。', '图中有几个物体？'],
};
