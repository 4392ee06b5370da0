import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eidetic } from '../test/eidetic.ts';
import { evaluate } from './eval.ts';

const GOLDENS = join(import.meta.dirname, '../../../test/data/goldens');
const DATA = join(import.meta.dirname, '../../../libs/eval/test/data');

/** Answers to whatever is asked; tests set it. */
let answer: (body: string) => string | Promise<string>;
const server = createServer(async (request, response) => {
  const body = (await request.toArray()).join('');
  if (!request.url?.startsWith('/v1/')) {
    response.writeHead(404).end();
    return;
  }
  const text = request.url === '/v1/models' ? '' : await answer(body);
  response.end(JSON.stringify({ data: [{ id: 'nano' }], choices: [{ text, message: { content: text } }] }));
});

let folder: string;
let questions: string;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-eval-'));
  questions = join(folder, 'questions.jsonl');
  await writeFile(questions, '{"task":"name","language":"en","question":"What is it?","answer":"A ring."}\n');
  answer = () => 'A ring.';
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

/** Runs the command in this process; what it prints to standard output and standard error. */
async function run(args: readonly string[], signal = new AbortController().signal) {
  const output = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const status = await evaluate.run(args, signal);
    return { status, table: output.mock.calls.join(''), said: error.mock.calls.join('') };
  } finally {
    output.mockRestore();
    error.mockRestore();
  }
}

const resultsIn = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('eidetic eval', () => {
  it('prints the table and writes the results beside the questions', async () => {
    const { status, table, said } = await run([questions, '--server', url]);
    expect(status).toBe(0);
    expect(table).toMatch(/\| all +\| 1 +\| 0 +\| 100.0 %/);
    expect(said).toMatch(/^1 results in .*questions\.results\.jsonl\n$/);
    // An address without a path means its /v1.
    const again = await run([questions, '--server', new URL(url).origin]);
    expect(again.said).toMatch(/1 are from an earlier run/);
    const [header, result] = await resultsIn(join(folder, 'questions.results.jsonl'));
    expect(header).toEqual({ run: { dataset: 'questions', style: 'chat', model: 'nano', maxTokens: 256 } });
    expect(result).toMatchObject({ id: 'line-1', asked: 'What is it?', output: 'A ring.' });
  });

  it('writes the report and the submission of a data set, beside the published figures', async () => {
    answer = () => ' A-2000';
    const [results, report, submission] = ['results.jsonl', 'report.json', 'submission.json'].map((name) =>
      join(folder, name),
    );
    const files = ['--results', `${results}`, '--report', `${report}`, '--submission', `${submission}`];
    const { table } = await run(['docvqa', join(DATA, 'docvqa/val_v1.0.json'), '--server', url, ...files]);
    expect(table).toMatch(/\| part +\| questions +\| failed +\| ANLS +\| Qwen-VL +\| Qwen-VL-Chat/);
    expect(table).toMatch(/\| all +\| 2 +\| 0 +\| 50\.0 % +\| 65\.1 % +\| 62\.6 %/);
    expect(JSON.parse(await readFile(`${report}`, 'utf8'))).toMatchObject({
      dataset: 'docvqa',
      style: 'raw',
      model: 'nano',
      maxTokens: 100,
      rows: [{ part: 'all', questions: 2, failed: 0, figures: { ANLS: 50 } }],
    });
    expect(JSON.parse(await readFile(`${submission}`, 'utf8'))).toHaveLength(2);
  });

  it('asks some of the questions only, the same ones for the same seed', async () => {
    const asked: string[] = [];
    answer = (body) => {
      asked.push(JSON.parse(body).prompt.replace(/<img>.*<\/img>/, ''));
      return '3';
    };
    const args = ['chartqa', join(DATA, 'chartqa/test_human.json'), '--server', url, '--limit', '1', '--shuffle', '7'];
    await run([...args, '--results', join(folder, 'a.jsonl')]);
    await run([...args, '--results', join(folder, 'b.jsonl')]);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBe(asked[1]);
  });

  it('counts and names pictures that are missing before it asks, and leaves their questions out if told so', async () => {
    answer = () => {
      throw new Error('Nothing is to be asked.');
    };
    const args = ['vqav2', join(DATA, 'vqav2/v2_OpenEnded_mscoco_val2014_questions.json'), '--server', url];
    const results = ['--results', join(folder, 'results.jsonl')];
    await expect(run([...args, ...results, '--images', folder])).rejects.toThrow(
      /^2 pictures are missing: .*COCO_val2014_000000000042\.jpg, .*73\.jpg\. --images says where they are/,
    );
    await expect(run([...args, ...results, '--images', folder, '--skip-missing'])).rejects.toThrow(/2 pictures/);
  });

  it('ends with status 1 when not every question was answered', async () => {
    server.prependOnceListener('request', (_, response) => response.destroy());
    const { status, table } = await run([questions, '--server', url, '--model', 'nano']);
    expect(status).toBe(1);
    expect(table).toMatch(/\| all +\| 1 +\| 1 +\| 0\.0 %/);
  });

  it('stops when cancelled, and says that the same command goes on', async () => {
    const caller = new AbortController();
    answer = () => {
      caller.abort();
      return new Promise(() => {});
    };
    const { status, said } = await run([questions, '--server', url], caller.signal);
    expect(status).toBe(1);
    expect(said).toMatch(/^Stopped with 0 results in .*The same command goes on from there\.\n$/);
  });

  it.each([
    ['SIGKILL', null, /^$/],
    ['SIGINT', 1, /^Stopped with 7 results in /],
  ] as const)('goes on after %s, and asks nothing twice', async (signal, status, said) => {
    const lines = Array.from({ length: 20 }, (_, index) => ({
      task: 'echo',
      language: 'en',
      question: `Number ${index}?`,
      answer: 'yes',
    }));
    await writeFile(questions, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const answered: string[] = [];
    let kill = () => {};
    answer = (body) => {
      // What is under way when the process dies has been answered by nobody.
      if (answered.length === 7) {
        kill();
        return new Promise(() => {});
      }
      answered.push(JSON.parse(body).messages[0].content[0].text);
      return 'yes';
    };
    const args = ['eval', questions, '--server', url, '--concurrency', '1'];
    const first = await eidetic(args, { onStart: (child) => (kill = () => child.kill(signal)) });
    expect(first.status).toBe(status);
    expect(first.stderr).toMatch(said);
    answer = (body) => {
      answered.push(JSON.parse(body).messages[0].content[0].text);
      return 'yes';
    };
    const second = await eidetic(args);
    expect(second.stdout).toMatch(/\| all +\| 20 +\| 0 +\| 100\.0 %/);
    expect(second.stderr).toMatch(/20 results in .*, of which 7 are from an earlier run/);
    expect(answered.toSorted()).toEqual(lines.map(({ question }) => question).toSorted());
  });

  it('has a model answer in this process, as the reference does', async () => {
    const args = ['eval', join(GOLDENS, 'eval.jsonl'), '--model', 'models/qwen-vl-nano-chat'];
    const results = join(folder, 'results.jsonl');
    const { stdout, stderr, status } = await eidetic([...args, '--limit', '12', '--results', results], {
      cwd: join(import.meta.dirname, '../../..'),
      env: { EIDETIC_DECODER_PRECISION: 'float32', EIDETIC_HEAD_PRECISION: 'float32' },
    });
    expect(stderr).toMatch(/12 results in/);
    expect(status).toBe(0);
    const { cases } = JSON.parse(await readFile(join(GOLDENS, 'cases.json'), 'utf8'));
    const references = new Map(cases.map((c: Record<string, unknown>) => [c.name, c.output_text]));
    const [header, ...answers] = await resultsIn(results);
    expect(header.run.model).toMatch(/^qwen-vl-nano-chat [0-9a-f]{12}$/);
    expect(answers.map(({ id, output }) => [id, output])).toEqual(answers.map(({ id }) => [id, references.get(id)]));
    expect(stdout).toMatch(/\| all +\| 12 +\| 0 +\|.*\| 100\.0 % +\|\n$/);
  }, 120_000);

  it('puts raw prompts and ranks letters in this process', async () => {
    const results = join(folder, 'results.jsonl');
    const seed = ['seed-bench', join(DATA, 'seed-bench/SEED-Bench.json'), '--results', results];
    const { status } = await eidetic(['eval', ...seed, '--model', 'models/qwen-vl-nano-chat'], {
      cwd: join(import.meta.dirname, '../../..'),
    });
    expect(status).toBe(0);
    const [header, ...answers] = await resultsIn(results);
    expect(header.run).toMatchObject({ style: 'raw' });
    expect(answers).toHaveLength(3);
  }, 120_000);

  it.each([
    [[], /A data set and its files are needed/],
    [['q.jsonl'], /--server is needed, or --model/],
    [['q.jsonl', '--server', 'http://localhost', '--concurrency', '0'], /--concurrency is 0/],
    [['q.jsonl', '--server', 'localhost:8080'], /--server is localhost:8080; an address such as http/],
    [['q.jsonl', '--sever', 'http://localhost'], /--sever/],
    [['q.jsonl', '--server', 'http://localhost', '--timeout', '3000000'], /--timeout is 3000000; .* to 2000000/],
    [['docvqa', '--server', 'http://localhost'], /docvqa needs its files: val_v1\.0\.json/],
    [['docvga', 'val_v1.0.json', '--server', 'http://localhost'], /no data set docvga\. Did you mean docvqa\?/],
    [['mme', 'a', 'b', '--server', 'http://localhost'], /what is b\?/],
    [['mme', 'a', '--server', 'http://localhost', '--prompt', 'base'], /--prompt is base; raw or chat/],
  ])('refuses the arguments %j', async (args, message) => {
    await expect(evaluate.run(args, new AbortController().signal)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a submission of what nobody judges, and raw prompts of dialogs', async () => {
    const chart = ['chartqa', join(DATA, 'chartqa/test_human.json'), '--server', url];
    await expect(run([...chart, '--submission', 'x'])).rejects.toThrow(/Nobody takes answers to chartqa/);
    await expect(run([questions, '--server', url, '--prompt', 'raw'])).rejects.toThrow(/questions has dialogs/);
  });
});
