import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
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
  task: 'echo',
  language: 'en',
  messages: [{ role: 'user', content: id }],
  answer: id,
}));

async function run(answer: Answerer, options: Partial<EvalOptions> = {}) {
  const resultsFile = await ResultsFile.open(path);
  return runEval({ questions, answer, resultsFile, concurrency: 2, now: () => 0, ...options });
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
    expect(results.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
    expect(results.every((result) => 'exact' in result && result.exact)).toBe(true);
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
    expect(results[1]).toMatchObject({ id: 'b', error: 'The server is away.' });
    expect(progress.at(-1)).toEqual({ done: 4, total: 4, failed: 1 });

    const asked: string[] = [];
    const again = await run(async ({ id }) => {
      asked.push(id);
      return id;
    });
    expect(asked).toEqual(['b']);
    expect(again[1]).toMatchObject({ id: 'b', output: 'b', exact: true });
  });

  it('goes on after a run that was killed in the middle of a line', async () => {
    await run(async ({ id }) => id, { questions: questions.slice(0, 2) });
    await appendFile(path, '{"id":"c","ta');
    const asked: string[] = [];
    const results = await run(async ({ id }) => {
      asked.push(id);
      return id;
    });
    expect(asked).toEqual(['c', 'd']);
    expect(results).toHaveLength(4);
    expect((await ResultsFile.open(path)).results.size).toBe(4);
  });

  it('refuses results of other questions and files that hold something else', async () => {
    await run(async ({ id }) => id);
    const [first] = questions;
    const other = first ? [{ ...first, answer: 'other' }] : [];
    await expect(run(async () => 'x', { questions: other })).rejects.toMatchObject({ code: 'invalid_request' });
    await appendFile(path, '{}\n');
    await expect(ResultsFile.open(path)).rejects.toThrow(/line 5 is not a result/);
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
    expect([...(await ResultsFile.open(path)).results.keys()]).toEqual(['a']);
  });
});
