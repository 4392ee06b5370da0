import { EideticError } from '@eidetic/core';
import { formatSummary, openAiAnswerer, ResultsFile, readQuestions, runEval, summarise } from '@eidetic/eval';
import { parseArguments } from './arguments.ts';
import { say, show } from './terminal.ts';

/** Help text of `eidetic eval`. */
export const EVAL_USAGE = `eidetic eval QUESTIONS.jsonl --server URL [options]

Asks an OpenAI-compatible server every question of a file and scores the answers: exact match, and intersection over
union where the wanted answer holds boxes. A line is {"task", "language", "images": [paths], "question", "answer"} or, for
several turns, {"task", "language", "messages", "answer"}; an "id" is optional. Run again to go on where a run stopped; what is
in the results is not asked again.

  --server URL         such as http://localhost:8080/v1
  --model NAME         default: the first that the server lists
  --api-key KEY        sent as a bearer token
  --results FILE       one JSON object a question; default: QUESTIONS.results.jsonl
  --concurrency N      questions under way at the same time; default 4
  --max-tokens N       of one answer; default 256
  --timeout SECONDS    of one answer; default 300`;

const OPTIONS = {
  server: { type: 'string' },
  model: { type: 'string' },
  'api-key': { type: 'string' },
  results: { type: 'string' },
  concurrency: { type: 'string', default: '4' },
  'max-tokens': { type: 'string', default: '256' },
  timeout: { type: 'string', default: '300' },
} as const;

/**
 * Runs `eidetic eval`: the table goes to standard output, progress to standard error.
 *
 * @throws EideticError `invalid_request` for wrong arguments and files, `unavailable` when the server cannot be reached.
 */
export async function evalCommand(args: readonly string[], signal?: AbortSignal): Promise<void> {
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
    ...(signal ? { signal } : {}),
  });
  const hint = kept === 0 ? '' : `, of which ${kept} are from an earlier run: remove the file to ask all again`;
  say(`${results.length} results in ${resultsPath}${hint}`);
  process.stdout.write(`${formatSummary(summarise(results))}\n`);
}

function serverAddress(text: string): string {
  if (/^https?:\/\/./.test(text) && URL.canParse(text)) return text;
  throw new EideticError(
    'invalid_request',
    `--server is ${text}; an address such as http://localhost:8080/v1 is needed.`,
  );
}

function readArguments(args: readonly string[]) {
  const { values, positionals } = parseArguments(args, OPTIONS, EVAL_USAGE);
  const [questionsPath, ...rest] = positionals;
  if (questionsPath === undefined || rest.length > 0 || values.server === undefined) {
    throw new EideticError('invalid_request', `One file of questions and --server are needed.\n\n${EVAL_USAGE}`);
  }
  return {
    questionsPath,
    resultsPath: values.results ?? questionsPath.replace(/(\.jsonl)?$/, '.results.jsonl'),
    concurrency: positive('--concurrency', values.concurrency),
    server: {
      baseUrl: serverAddress(values.server),
      maxTokens: positive('--max-tokens', values['max-tokens']),
      timeoutMs: positive('--timeout', values.timeout) * 1000,
      ...(values.model === undefined ? {} : { model: values.model }),
      ...(values['api-key'] === undefined ? {} : { apiKey: values['api-key'] }),
    },
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new EideticError('invalid_request', `${name} is ${text}; a positive whole number is needed.`);
}
