import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readQuestions } from './read-questions.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eval-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(...lines: string[]) {
  const path = join(folder, 'questions.jsonl');
  await writeFile(path, lines.join('\n'));
  return readQuestions(path);
}

const line = { task: 'name', language: 'en', images: ['images/1.png'], question: 'What is it?', answer: 'A ring.' };

describe('readQuestions', () => {
  it('puts pictures before the question and finds them beside the file', async () => {
    const [question] = await read(JSON.stringify(line));
    const image = { type: 'image', image: join(folder, 'images/1.png') };
    const messages = [{ role: 'user', content: [image, { type: 'text', text: 'What is it?' }] }];
    expect(question).toEqual({ id: 'line-1', task: 'name', language: 'en', answer: 'A ring.', messages });
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
    [JSON.stringify({ ...line, id: 'same' }), /line 2: another line has the id "same"/],
    [JSON.stringify({ task: 'a', language: 'en', messages: [], answer: '' }), /line 2: messages: /],
    [
      JSON.stringify({ task: 'a', language: 'en', messages: [{ role: 'assistant', content: 'x' }], answer: '' }),
      /line 2: messages: the last one/,
    ],
    ['[]', /line 2: the line: /],
  ])('refuses %s, naming line and reason', async (second, reason) => {
    const first = JSON.stringify({ ...line, id: 'same' });
    await expect(read(first, second)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(reason),
    });
  });

  it('refuses a file without questions and one that is not there', async () => {
    await expect(read('')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(readQuestions(join(folder, 'none.jsonl'))).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('reads the reference cases as questions', async () => {
    const goldens = fileURLToPath(new URL('../../../test/data/goldens/', import.meta.url));
    const { cases } = JSON.parse(await readFile(join(goldens, 'cases.json'), 'utf8'));
    const questions = await readQuestions(join(goldens, 'eval.jsonl'));
    expect(questions.map(({ id, answer, referenceOutput }) => ({ id, answer, referenceOutput }))).toEqual(
      cases.map((c: Record<string, unknown>) => ({
        id: c.name,
        answer: c.reference_answer,
        referenceOutput: c.output_text,
      })),
    );
    const local = JSON.stringify(questions.map(({ messages }) => messages)).replaceAll(goldens, '');
    expect(JSON.parse(local)).toEqual(cases.map((c: Record<string, unknown>) => c.messages));
  });
});
