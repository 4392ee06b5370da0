import { expect, it } from 'vitest';
import { formatSummary, summarise } from './summary.ts';

const cells = (line = '') =>
  line
    .split('|')
    .map((cell) => cell.trim())
    .slice(1, -1);

it('prints a row for each part with what was published of it', () => {
  const rows = [
    { part: 'refcoco_val', questions: 4, failed: 1, figures: { accuracy: 75 } },
    { part: 'mine', questions: 2, failed: 0, figures: {} },
  ];
  const summary = summarise({ name: 'refcoco' }, rows);
  expect(summary.rows[0]?.published).toEqual({ 'Qwen-VL': 89.36, 'Qwen-VL-Chat': 88.55 });
  const [head, , first, second, , source] = formatSummary(summary, [{ name: 'accuracy', unit: ' %', digits: 1 }]).split(
    '\n',
  );
  expect(cells(head)).toEqual(['part', 'questions', 'failed', 'accuracy', 'Qwen-VL', 'Qwen-VL-Chat']);
  expect(cells(first)).toEqual(['refcoco_val', '4', '1', '75.0 %', '89.36 %', '88.55 %']);
  expect(cells(second)).toEqual(['mine', '2', '0', '', '', '']);
  expect(source).toBe('Qwen-VL and Qwen-VL-Chat: README of github.com/QwenLM/Qwen-VL.');
});

it('has no columns of models of which nothing was published', () => {
  const rows = [{ part: 'all', questions: 2, failed: 0, figures: { exact: 50, 'mean IoU': 0.25 } }];
  const summary = summarise({ name: 'questions' }, rows);
  const lines = formatSummary(summary, [
    { name: 'exact', unit: ' %', digits: 1 },
    { name: 'mean IoU', unit: '', digits: 3 },
  ]).split('\n');
  expect(lines.map(cells)).toEqual([
    ['part', 'questions', 'failed', 'exact', 'mean IoU'],
    ['----', '---------', '------', '------', '--------'],
    ['all', '2', '0', '50.0 %', '0.250'],
  ]);
});
