/**
 * @typedef {'en' | 'zh'} Language
 * @typedef {{ file: string, name: Record<Language, string>, questions: Record<Language, string[]> }} Example
 */

/** Pictures that come with the page, with questions that suit them. @type {readonly Example[]} */
export const EXAMPLES = [
  {
    file: 'examples/things.png',
    name: { en: 'Three things', zh: '三样东西' },
    questions: {
      en: ['Detect all objects.', 'Where is the violin?', 'Draw a box around the pudding.', '图中有布丁吗？'],
      zh: ['框出所有物体。', '小提琴在哪里？', '框出布丁。', 'What is in the picture?'],
    },
  },
  {
    file: 'examples/bees.png',
    name: { en: 'Bees', zh: '蜜蜂' },
    questions: {
      en: ['How many bees are there?', 'What is this?', 'What color is the background?', '这是什么？'],
      zh: ['图中有几个物体？', '这是什么？', '背景是什么颜色？', 'How many bees are there?'],
    },
  },
  {
    file: 'examples/train.png',
    name: { en: 'Steam train', zh: '蒸汽火车' },
    questions: {
      en: ['What is this?', 'Frame the steam train in the picture.', 'Is it an animal?', '这是什么？'],
      zh: ['这是什么？', '框出蒸汽火车。', '它是动物吗？', 'What is this?'],
    },
  },
  {
    file: 'examples/chart.png',
    name: { en: 'Bar chart', zh: '柱状图' },
    questions: {
      en: ['Describe the chart.', 'Which one is the highest?', 'What is the value of June?', '这是什么图表？'],
      zh: ['描述这个图表。', '哪个最高？', '这是什么图表？', 'What is the value of June?'],
    },
  },
];

/** Questions that suit any picture. @type {Record<Language, string[]>} */
export const QUESTIONS = {
  en: ['What is this?', 'Detect all objects.', 'How many objects are there?', '描述这张图片。'],
  zh: ['这是什么？', '框出所有物体。', '图中有几个物体？', 'Describe the picture.'],
};
