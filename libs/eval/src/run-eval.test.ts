import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EvalQuestion } from './question.ts';
import { ResultsFile } from './results-file.ts';
import { type Answerer, type EvalOptions, type EvalProgress, runEval } from './run-eval.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eval-'));
  path = join(folder, 'results.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const questions: readonly EvalQuestion[] = ['a', 'b', 'c', 'd'].map((id) => ({
  id,
  messages: [{ role: 'user', content: id }],
}));

const identity = { dataset: 'echo', style: 'chat', model: 'parrot', maxTokens: 5 } as const;
const open = () => ResultsFile.open(path, identity);

async function run(answer: Answerer, options: Partial<EvalOptions> = {}) {
  const resultsFile = await open();
  return runEval({ questions, style: 'chat', answer, resultsFile, concurrency: 2, now: () => 0, ...options });
}

describe('runEval', () => {
  it('returns results in the order of the questions, whatever finishes first', async () => {
    let release = () => {};
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const results = await run(async ({ id }) => {
      if (id === 'a') await first;
      if (id === 'd') release();
      return id;
    });
    expect([...results]).toEqual([
      ['a', 'a'],
      ['b', 'b'],
      ['c', 'c'],
      ['d', 'd'],
    ]);
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '').id).toBe('a');
  });

  it('keeps to the concurrency', async () => {
    let running = 0;
    let most = 0;
    await run(async ({ id }) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return id;
    });
    expect(most).toBe(2);
  });

  it('notes an error, goes on, and asks that question alone again the next time', async () => {
    const progress: EvalProgress[] = [];
    const results = await run(
      async ({ id }) => {
        if (id === 'b') throw new Error('The server is away.');
        return id;
      },
      { onProgress: (step) => progress.push(step) },
    );
    expect([...results.keys()]).toEqual(['a', 'c', 'd']);
    expect((await open()).results.get('b')).toMatchObject({ asked: 'b', error: 'The server is away.' });
    expect(progress.at(-1)).toEqual({ done: 4, total: 4, kept: 0, failed: 1 });

    const asked: string[] = [];
    const again = await run(async ({ id }) => {
      asked.push(id);
      return id;
    });
    expect(asked).toEqual(['b']);
    expect(again.get('b')).toBe('b');
  });

  it('goes on after a run that was killed in the middle of a line', async () => {
    await run(async ({ id }) => id, { questions: questions.slice(0, 2) });
    await appendFile(path, '{"id":"c","as');
    const asked: string[] = [];
    const results = await run(async ({ id }) => {
      asked.push(id);
      return id;
    });
    expect(asked).toEqual(['c', 'd']);
    expect(results.size).toBe(4);
    expect((await open()).results.size).toBe(4);
  });

  it('refuses results of other questions and files that hold something else', async () => {
    await run(async ({ id }) => id);
    const other: EvalQuestion = { id: 'a', messages: [{ role: 'user', content: 'other' }] };
    await expect(run(async () => 'x', { questions: [other] })).rejects.toThrow(/another question with the id "a"/);
    await appendFile(path, '{}\n');
    await expect(open()).rejects.toThrow(/line 6 is not a result/);
  });

  it('refuses results of another run, and files of something else', async () => {
    await run(async ({ id }) => id);
    await expect(ResultsFile.open(path, { ...identity, style: 'raw' })).rejects.toThrow(
      /results of another run: .*"chat"/,
    );
    await writeFile(path, 'hello\n');
    await expect(open()).rejects.toThrow(/is no file of results/);
  });

  it('stops when one question after the other fails, and keeps what was answered', async () => {
    const many = Array.from({ length: 200 }, (_, index): EvalQuestion => ({ id: `${index}`, messages: [] }));
    let asked = 0;
    const running = run(
      async ({ id }) => {
        asked++;
        if (id !== '0') throw new Error('The server is away.');
        return id;
      },
      { questions: many },
    );
    await expect(running).rejects.toMatchObject({
      code: 'unavailable',
      message: '50 questions in a row failed, the last one with: The server is away.',
    });
    expect(asked).toBeLessThan(60);
    expect((await open()).results.get('0')).toMatchObject({ output: '0' });
  });

  it('stops when cancelled and keeps what was answered', async () => {
    const caller = new AbortController();
    const running = run(
      async ({ id }) => {
        if (id === 'b') caller.abort();
        return id;
      },
      { concurrency: 1, signal: caller.signal },
    );
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect([...(await open()).results.keys()]).toEqual(['a']);
  });
});
