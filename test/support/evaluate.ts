import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAiAnswerer, ownQuestions, ResultsFile, runEval } from '@eidetic/eval';
import { GOLDENS_DIRECTORY } from './goldens.ts';
import { StandaloneServer } from './standalone-server.ts';

/** Asks a server of these settings, whose model has the embedded one's name, every question of the goldens over HTTP. */
export async function evaluate(settings: Readonly<Record<string, string>>) {
  await using server = await StandaloneServer.start(settings);
  await using directory = await mkdtempDisposable(join(tmpdir(), 'eidetic-evaluate-'));
  const dataset = await ownQuestions.open({ paths: [join(GOLDENS_DIRECTORY, 'eval.jsonl')] });
  const asking = { model: 'qwen-vl-nano-chat', style: 'chat', maxTokens: 256 } as const;
  const outputs = await runEval({
    questions: dataset.questions,
    style: 'chat',
    answer: openAiAnswerer({ baseUrl: `${server.url}/v1`, timeoutMs: 60_000 }, asking),
    resultsFile: await ResultsFile.open(join(directory.path, 'results.jsonl'), { dataset: 'goldens', ...asking }),
    concurrency: 4,
    now: () => performance.now(),
  });
  return { outputs: Object.fromEntries(outputs), overall: dataset.score(dataset.questions, outputs).at(-1) };
}
