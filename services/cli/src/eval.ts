import { formatSummary, openAiAnswerer, ResultsFile, readQuestions, runEval, summarise } from '@eidetic/eval';
import { parseArguments, serverAddress, wholeNumber } from './arguments.ts';
import type { Command } from './commands.ts';
import { say, show } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const usage = `eidetic eval QUESTIONS.jsonl --server URL [options]

Asks an OpenAI-compatible server every question of a file and scores the answers: exact match, and intersection over
union where the wanted answer holds boxes. A line is {"task", "language", "images": [paths], "question", "answer"} or, for
several turns, {"task", "language", "messages", "answer"}; an "id" is optional. Run again to go on where a run stopped; what is
in the results is not asked again.

  --server URL         such as http://localhost:8080/v1
  --model NAME         default: the first that the server lists
  --api-key KEY        sent as a bearer token; default: EIDETIC_API_KEY
  --results FILE       one JSON object a question; default: QUESTIONS.results.jsonl
  --concurrency N      questions under way at the same time; default 4
  --max-tokens N       of one answer; default 256
  --timeout SECONDS    of one answer; default 300

Example:
  eidetic eval questions.jsonl --server http://localhost:8080/v1 --concurrency 8`;

const OPTIONS = {
  server: { type: 'string' },
  model: { type: 'string' },
  'api-key': { type: 'string' },
  results: { type: 'string' },
  concurrency: { type: 'string', default: '4' },
  'max-tokens': { type: 'string', default: '256' },
  timeout: { type: 'string', default: '300' },
} as const;

/** `eidetic eval`. */
export const evaluate: Command = { usage, run: runEvaluation };

/**
 * The table goes to standard output, progress to standard error.
 *
 * @throws UsageError for wrong arguments; EideticError `invalid_request` for wrong files, `unavailable` when the server cannot be reached.
 */
async function runEvaluation(args: readonly string[], signal: AbortSignal): Promise<undefined> {
  const { questionsPath, server, resultsPath, concurrency } = readArguments(args);
  const questions = await readQuestions(questionsPath);
  const resultsFile = await ResultsFile.open(resultsPath);
  const kept = questions.filter(({ id }) => 'output' in (resultsFile.results.get(id) ?? {})).length;
  const results = await runEval({
    questions,
    answer: await openAiAnswerer(server),
    resultsFile,
    concurrency,
    now: () => performance.now(),
    onProgress({ done, total, failed }) {
      show(`${done} of ${total} questions${failed > 0 ? `, ${failed} failed` : ''}`);
    },
    signal,
  });
  const hint = kept === 0 ? '' : `, of which ${kept} are from an earlier run: remove the file to ask all again`;
  say(`${results.length} results in ${resultsPath}${hint}`);
  process.stdout.write(`${formatSummary(summarise(results))}\n`);
}

function readArguments(args: readonly string[]) {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const [questionsPath, ...rest] = positionals;
  if (questionsPath === undefined || rest.length > 0 || values.server === undefined) {
    throw new UsageError('One file of questions and --server are needed.');
  }
  const apiKey = values['api-key'] ?? process.env.EIDETIC_API_KEY;
  return {
    questionsPath,
    resultsPath: values.results ?? questionsPath.replace(/(\.jsonl)?$/, '.results.jsonl'),
    concurrency: wholeNumber('--concurrency', values.concurrency),
    server: {
      baseUrl: serverAddress('--server', values.server),
      maxTokens: wholeNumber('--max-tokens', values['max-tokens']),
      timeoutMs: wholeNumber('--timeout', values.timeout) * 1000,
      ...(values.model === undefined ? {} : { model: values.model }),
      ...(apiKey === undefined ? {} : { apiKey }),
    },
  };
}
