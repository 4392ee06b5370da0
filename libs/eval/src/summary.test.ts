import { expect, it } from 'vitest';
import { answeredResult, failedResult } from './result.ts';
import { formatSummary, summarise } from './summary.ts';

const question = (id: string, task: string, language: string, answer: string, referenceOutput?: string) => ({
  id,
  task,
  language,
  answer,
  messages: [],
  ...(referenceOutput === undefined ? {} : { referenceOutput }),
});

const results = [
  answeredResult(question('1', 'name', 'en', 'A ring.', 'A ring.'), 'A ring', 5),
  answeredResult(question('2', 'name', 'en', 'A cat.', 'A dog.'), 'A cow.', 5),
  failedResult(question('3', 'name', 'zh', '猫。'), 'The server is away.', 5),
  answeredResult(question('4', 'ground', 'en', '(0,0),(10,10)'), '(0,0),(10,10)', 5),
  failedResult(question('5', 'ground', 'en', '(0,0),(10,10)'), 'The server is away.', 5),
];

it('counts failed questions as wrong, with a box that nobody found', () => {
  const groups = Object.fromEntries(summarise(results).map((group) => [`${group.task} ${group.language}`, group]));
  expect(Object.keys(groups)).toEqual(['ground en', 'name en', 'name zh', 'all all']);
  expect(groups['name en']).toMatchObject({
    questions: 2,
    failed: 0,
    exact: 0.5,
    meanIou: undefined,
    asReference: 0.5,
  });
  expect(groups['name zh']).toMatchObject({ questions: 1, failed: 1, exact: 0 });
  expect(groups['ground en']).toMatchObject({ questions: 2, failed: 1, exact: 0.5, meanIou: 0.5, found: 0.5 });
  expect(groups['all all']).toMatchObject({ questions: 5, failed: 2, exact: 0.4, meanIou: 0.5 });
});

it('prints a table with a row for each task and language, and one for all', () => {
  const [head, , ...rows] = formatSummary(summarise(results)).split('\n');
  const cells = (line = '') =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1);
  expect(cells(head)).toEqual([
    'task',
    'language',
    'questions',
    'failed',
    'exact',
    'mean IoU',
    'IoU ≥ 0.5',
    'as reference',
  ]);
  expect(cells(rows[0])).toEqual(['ground', 'en', '2', '1', '50.0 %', '0.500', '50.0 %', '']);
  expect(cells(rows.at(-1))).toEqual(['all', 'all', '5', '2', '40.0 %', '0.500', '50.0 %', '50.0 %']);
});
