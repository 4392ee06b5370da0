import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withAnswersTable, withPaces } from './answers-at-once.ts';
import type { Measurement, SuiteResult } from './report.ts';

const PAGE = fileURLToPath(new URL('../../docs/models.md', import.meta.url));
const RESULT = new URL('../results/full-size.json', import.meta.url);

const measured = (contender: string, metric: string, ...samples: number[]): Measurement => ({
  contender,
  metric,
  better: 'higher',
  samples,
});

it('tells the pace of each answer, and of ours the share of the streaming limit, from the same samples', () => {
  const ours = measured('eidetic', 'decode of 4, tokens/s', 10, 16);
  const theirs = measured('llama.cpp', 'decode of 4, tokens/s', 8, 8);
  const other = measured('eidetic', 'first token, s', 1, 2);
  const pace = 'decode of 4, ms per token of each';
  expect(withPaces([ours, theirs, other], 100)).toEqual([
    ours,
    { contender: 'eidetic', metric: pace, better: 'lower', samples: [400, 250] },
    measured('eidetic', 'decode of 4, share of the streaming limit', 0.25, 0.4),
    theirs,
    { contender: 'llama.cpp', metric: pace, better: 'lower', samples: [500, 500] },
    other,
  ]);
});

it('says what is missing for the table', async () => {
  const nothing = { name: 'full-size', title: '', facts: {}, measurements: [] };
  expect(() => withAnswersTable('', nothing)).toThrow('Nobody has measured "decode of 1, tokens/s" of llama.cpp.');
});

it('is in the documentation as it was measured', async () => {
  const result = JSON.parse(await readFile(RESULT, 'utf8')) as SuiteResult;
  // With `-u` after the path (before it, `-u` takes the path as its value) it writes the table.
  const page = withAnswersTable(await readFile(PAGE, 'utf8'), result);
  expect(page).toContain('| share of the streaming limit |');
  await expect(page).toMatchFileSnapshot(PAGE);
});
