import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAiAnswerer, ownQuestions, ResultsFile, runEval, scoreAnswer } from '@eidetic/eval';
import { expect, it, onTestFinished } from 'vitest';
import { GOLDENS_DIRECTORY, goldens } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

async function evaluate(settings: Readonly<Record<string, string>>) {
  await using server = await StandaloneServer.start(settings);
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-accuracy-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const dataset = await ownQuestions.open({ paths: [join(GOLDENS_DIRECTORY, 'eval.jsonl')] });
  const asking = { model: 'qwen-vl-nano-chat', style: 'chat', maxTokens: 256 } as const;
  const outputs = await runEval({
    questions: dataset.questions,
    style: 'chat',
    answer: openAiAnswerer({ baseUrl: `${server.url}/v1`, timeoutMs: 60_000 }, asking),
    resultsFile: await ResultsFile.open(join(directory, 'results.jsonl'), { dataset: 'goldens', ...asking }),
    concurrency: 4,
    now: () => performance.now(),
  });
  return { outputs: Object.fromEntries(outputs), overall: dataset.score(dataset.questions, outputs).at(-1) };
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
    figures: {
      exact: (100 * scores.filter(({ exact }) => exact).length) / scores.length,
      'IoU ≥ 0.5': (100 * boxes.reduce((sum, { found }) => sum + found, 0)) / boxes.length,
    },
  });
});
