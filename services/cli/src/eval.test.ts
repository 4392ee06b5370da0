import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { evalCommand } from './eval.ts';

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

describe('eidetic eval', () => {
  it('prints the table and writes the results beside the questions', async () => {
    const output = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const progress = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      await evalCommand([questions, '--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`]);
      expect(output.mock.calls.join('')).toMatch(/\| all +\| all +\| 1 +\| 0 +\| 100.0 %/);
      expect(progress.mock.calls.join('')).toContain('1 of 1 questions');
    } finally {
      output.mockRestore();
      progress.mockRestore();
    }
    const result = JSON.parse(await readFile(join(folder, 'questions.results.jsonl'), 'utf8'));
    expect(result).toMatchObject({ id: 'line-1', output: 'A ring.', exact: true });
  });

  it.each([
    [[], /One file of questions and --server are needed/],
    [['q.jsonl', '--server', 'http://localhost', '--concurrency', '0'], /--concurrency is 0/],
    [['q.jsonl', '--sever', 'http://localhost'], /--sever/],
  ])('refuses the arguments %j', async (args, message) => {
    await expect(evalCommand(args)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(message),
    });
  });
});
