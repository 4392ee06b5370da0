import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAiAnswerer, ResultsFile, readQuestions, runEval, scoreAnswer, summarise } from '@eidetic/eval';
import { expect, it, onTestFinished } from 'vitest';
import { GOLDENS_DIRECTORY, goldens } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

async function evaluate(settings: Readonly<Record<string, string>>) {
  await using server = await StandaloneServer.start(settings);
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-accuracy-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const results = await runEval({
    questions: await readQuestions(join(GOLDENS_DIRECTORY, 'eval.jsonl')),
    answer: await openAiAnswerer({ baseUrl: `${server.url}/v1`, maxTokens: 256, timeoutMs: 60_000 }),
    resultsFile: await ResultsFile.open(join(directory, 'results.jsonl')),
    concurrency: 4,
    now: () => performance.now(),
  });
  const outputs = Object.fromEntries(
    results.map((result) => [result.id, 'output' in result ? result.output : result.error]),
  );
  return { outputs, overall: summarise(results).at(-1) };
}

it('answers every reference case over HTTP as the reference does, with float32 weights', async () => {
  const { outputs } = await evaluate({ EIDETIC_DECODER_PRECISION: 'float32', EIDETIC_HEAD_PRECISION: 'float32' });
  expect(outputs).toEqual(Object.fromEntries(goldens.cases.map(({ name, output_text }) => [name, output_text])));
});

it('is as accurate over HTTP as the reference, with the default precision', async () => {
  const { overall } = await evaluate({});
  const scores = goldens.cases.map((golden) => scoreAnswer(golden.reference_answer, golden.output_text));
  const boxes = scores.flatMap((score) => score.boxes ?? []);
  expect(overall).toMatchObject({
    questions: goldens.cases.length,
    failed: 0,
    exact: scores.filter(({ exact }) => exact).length / scores.length,
    found: boxes.reduce((sum, { found }) => sum + found, 0) / boxes.length,
  });
});
