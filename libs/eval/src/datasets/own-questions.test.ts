import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownQuestions } from './own-questions.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eval-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function open(...lines: string[]) {
  const path = join(folder, 'questions.jsonl');
  await writeFile(path, lines.join('\n'));
  return ownQuestions.open({ paths: [path] });
}

async function read(...lines: string[]) {
  return (await open(...lines)).questions;
}

const line = { task: 'name', language: 'en', images: ['images/1.png'], question: 'What is it?', answer: 'A ring.' };

describe('questions of one’s own', () => {
  it('puts pictures before the question and finds them beside the file', async () => {
    const [question] = await read(JSON.stringify(line));
    const image = { type: 'image', image: join(folder, 'images/1.png') };
    const messages = [{ role: 'user', content: [image, { type: 'text', text: 'What is it?' }] }];
    expect(question).toEqual({ id: 'line-1', messages });
  });

  it('takes dialogs of several turns', async () => {
    const messages = [
      { role: 'user', content: 'Who are you?' },
      { role: 'assistant', content: 'A model.' },
      { role: 'user', content: 'Which?' },
    ];
    const [question] = await read(
      JSON.stringify({ id: 'a', task: 'talk', language: 'en', messages, answer: 'Small.' }),
    );
    expect(question?.messages).toEqual(messages);
  });

  it('skips blank lines and numbers the others as the file does', async () => {
    const questions = await read('', JSON.stringify(line), '', JSON.stringify(line), '');
    expect(questions.map(({ id }) => id)).toEqual(['line-2', 'line-4']);
  });

  it.each([
    ['{"task":', /line 2 is not JSON: /],
    [JSON.stringify({ ...line, answer: undefined }), /line 2: answer: /],
    [JSON.stringify({ ...line, imges: [] }), /line 2: .*imges/],
    [JSON.stringify({ ...line, id: 'same' }), /two questions have the id "same"/],
    [JSON.stringify({ task: 'a', language: 'en', messages: [], answer: '' }), /line 2: messages: /],
    [
      JSON.stringify({ task: 'a', language: 'en', messages: [{ role: 'assistant', content: 'x' }], answer: '' }),
      /line 2: messages: the last one/,
    ],
    ['[]', /line 2: the entry: /],
  ])('refuses %s, naming line and reason', async (second, reason) => {
    const first = JSON.stringify({ ...line, id: 'same' });
    await expect(read(first, second)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(reason),
    });
  });

  it('refuses a file without questions and one that is not there', async () => {
    await expect(read('')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(ownQuestions.open({ paths: [join(folder, 'none.jsonl')] })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('reads the reference cases as questions, and scores the answers of the reference', async () => {
    const goldens = fileURLToPath(new URL('../../../../test/data/goldens/', import.meta.url));
    const { cases } = JSON.parse(await readFile(join(goldens, 'cases.json'), 'utf8'));
    const { questions, score } = await ownQuestions.open({ paths: [join(goldens, 'eval.jsonl')] });
    expect(questions.map(({ id }) => id)).toEqual(cases.map((c: Record<string, unknown>) => c.name));
    const local = JSON.stringify(questions.map(({ messages }) => messages)).replaceAll(goldens, '');
    expect(JSON.parse(local)).toEqual(cases.map((c: Record<string, unknown>) => c.messages));

    const outputs = new Map<string, string>(cases.map((c: Record<string, unknown>) => [c.name, c.output_text]));
    const all = score(questions, outputs).at(-1);
    expect(all).toMatchObject({ part: 'all', questions: cases.length, failed: 0, figures: { 'as reference': 100 } });
  });

  it('counts failed questions as wrong, with a box that nobody found', async () => {
    const box = '(0,0),(10,10)';
    const dataset = await open(
      JSON.stringify({ ...line, id: '1', answer: 'A ring.', reference_output: 'A ring.' }),
      JSON.stringify({ ...line, id: '2', answer: 'A cat.', reference_output: 'A dog.' }),
      JSON.stringify({ ...line, id: '3', language: 'zh', answer: '猫。' }),
      JSON.stringify({ ...line, id: '4', task: 'ground', answer: box }),
      JSON.stringify({ ...line, id: '5', task: 'ground', answer: box }),
    );
    const outputs = new Map([
      ['1', 'A ring'],
      ['2', 'A cow.'],
      ['4', box],
    ]);
    expect(dataset.score(dataset.questions, outputs)).toEqual([
      { part: 'name en', questions: 2, failed: 0, figures: { exact: 50, 'as reference': 50 } },
      { part: 'name zh', questions: 1, failed: 1, figures: { exact: 0 } },
      { part: 'ground en', questions: 2, failed: 1, figures: { exact: 50, 'mean IoU': 0.5, 'IoU ≥ 0.5': 50 } },
      {
        part: 'all',
        questions: 5,
        failed: 2,
        figures: { exact: 40, 'mean IoU': 0.5, 'IoU ≥ 0.5': 50, 'as reference': 50 },
      },
    ]);
  });
});
