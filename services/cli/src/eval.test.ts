import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { evaluate } from './eval.ts';

const signal = new AbortController().signal;

const server = createServer((_, response) => {
  response.end(JSON.stringify({ data: [{ id: 'nano' }], choices: [{ message: { content: 'A ring.' } }] }));
});

let folder: string;
let questions: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-eval-'));
  questions = join(folder, 'questions.jsonl');
  await writeFile(questions, '{"task":"name","language":"en","question":"What is it?","answer":"A ring."}\n');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** Runs the command; what it prints to standard output and standard error. */
async function score(): Promise<{ table: string; said: string }> {
  const output = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await evaluate.run(
      [questions, '--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`],
      signal,
    );
    return { table: output.mock.calls.join(''), said: error.mock.calls.join('') };
  } finally {
    output.mockRestore();
    error.mockRestore();
  }
}

describe('eidetic eval', () => {
  it('prints the table and writes the results beside the questions', async () => {
    const { table, said } = await score();
    expect(table).toMatch(/\| all +\| all +\| 1 +\| 0 +\| 100.0 %/);
    expect(said).toMatch(/^1 results in .*questions\.results\.jsonl\n$/);
    expect((await score()).said).toMatch(/1 are from an earlier run/);
    const result = JSON.parse(await readFile(join(folder, 'questions.results.jsonl'), 'utf8'));
    expect(result).toMatchObject({ id: 'line-1', output: 'A ring.', exact: true });
  });

  it.each([
    [[], /One file of questions and --server are needed/],
    [['q.jsonl', '--server', 'http://localhost', '--concurrency', '0'], /--concurrency is 0/],
    [['q.jsonl', '--server', 'localhost:8080'], /--server is localhost:8080; an address such as http/],
    [['q.jsonl', '--sever', 'http://localhost'], /--sever/],
  ])('refuses the arguments %j', async (args, message) => {
    await expect(evaluate.run(args, signal)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(message),
    });
  });
});
