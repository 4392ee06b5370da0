import { createClient } from '@eidetic/client';
import { EideticError } from '@eidetic/core';
import { type LoadSummary, planDialogs, type Quantiles, runLoad, summariseLoad } from '@eidetic/load';
import { decimal, parseArguments, serverAddress, wholeNumber } from './arguments.ts';
import type { Command } from './commands.ts';
import { seededRandom } from './seeded-random.ts';
import { show } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const usage = `eidetic bench --url URL [options]

Puts load on any OpenAI-compatible server: dialogs about pictures made for it, each question sent when the answer to the last one is
there. Says what the clients see: rates, time to first token, time between pieces of an answer, errors by code, and how much of the prompts
the server had computed before. Tokens are those that the server counts. Nothing is sent again; a dialog ends with its first error.

  --url URL               of the server, such as http://localhost:8080
  --requests N            in all; default 100
  --concurrency N         dialogs under way at the same time; default 4
  --turns N               questions of a dialog; default 1
  --pictures N            that the first question of a dialog brings; default 1
  --reuse SHARE           of the pictures that an earlier dialog has brought, 0 to 1; default 0: no picture comes twice
  --picture-side PIXELS   default 448
  --max-tokens N          of an answer; default 64
  --ignore-eos            let all answers have so many (Eidetic and vLLM)
  --model NAME            default: the first that the server lists
  --api-key KEY           sent as a bearer token; default: EIDETIC_API_KEY
  --timeout SECONDS       of one request; default 300
  --seed N                of pictures; default: another one each time, so that no server has seen them
  --json                  print one line of JSON

Exit status 1 if not every request was answered.

Examples:
  eidetic bench --url http://localhost:8080 --concurrency 8 --requests 200
  eidetic bench --url http://localhost:8080 --turns 3 --reuse 0.5 --ignore-eos --max-tokens 32`;

const OPTIONS = {
  url: { type: 'string' },
  requests: { type: 'string', default: '100' },
  concurrency: { type: 'string', default: '4' },
  turns: { type: 'string', default: '1' },
  pictures: { type: 'string', default: '1' },
  reuse: { type: 'string', default: '0' },
  'picture-side': { type: 'string', default: '448' },
  'max-tokens': { type: 'string', default: '64' },
  'ignore-eos': { type: 'boolean', default: false },
  model: { type: 'string' },
  'api-key': { type: 'string' },
  timeout: { type: 'string', default: '300' },
  seed: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const MAX_SEED = 2 ** 32 - 1;
/** Timers hold 31 bits of milliseconds. */
const MAX_TIMEOUT_SECONDS = 2_000_000;

/** `eidetic bench`. */
export const bench: Command = { usage, run: runBench };

/**
 * The figures go to standard output, progress to standard error.
 *
 * @throws UsageError for wrong arguments; EideticError `unavailable` when the server lists no model.
 */
async function runBench(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError(`What is ${positionals[0]}?`);
  if (values.url === undefined) throw new UsageError('--url is needed: load is for servers that are meant.');
  const apiKey = values['api-key'] ?? process.env.EIDETIC_API_KEY;
  const seed = wholeNumber('--seed', values.seed ?? String(Date.now() % MAX_SEED), 0, MAX_SEED);
  const random = seededRandom(seed);
  const shape = {
    requests: wholeNumber('--requests', values.requests, 1, 1_000_000),
    turns: wholeNumber('--turns', values.turns, 1, 1000),
    pictures: wholeNumber('--pictures', values.pictures, 0, 1000),
    reuse: decimal('--reuse', values.reuse, 0, 1),
  };
  const baseUrl = serverAddress('--url', values.url)
    .replace(/\/+$/, '')
    .replace(/(\/v1)?$/, '/v1');
  const load = {
    turns: shape.turns,
    concurrency: wholeNumber('--concurrency', values.concurrency, 1, 10_000),
    maxTokens: wholeNumber('--max-tokens', values['max-tokens']),
    ignoreEos: values['ignore-eos'],
    pictureSide: wholeNumber('--picture-side', values['picture-side'], 1, 8192),
    timeoutMs: wholeNumber('--timeout', values.timeout, 1, MAX_TIMEOUT_SECONDS) * 1000,
  };
  const model = values.model ?? (await firstModel(baseUrl, apiKey, signal));
  const run = await runLoad({
    ...load,
    baseUrl,
    model,
    dialogs: planDialogs(shape, random),
    random,
    signal,
    onProgress: (done, of) => show(`${done} of ${of} requests`),
    ...(apiKey !== undefined && { apiKey }),
  });
  show('');
  const summary = summariseLoad(run);
  const facts = { url: baseUrl, model, seed, ...shape, ...load };
  process.stdout.write(values.json ? `${JSON.stringify({ ...facts, ...summary })}\n` : formatSummary(summary));
  return Object.keys(summary.errors).length === 0 && !signal.aborted ? 0 : 1;
}

async function firstModel(baseUrl: string, apiKey: string | undefined, signal: AbortSignal): Promise<string> {
  try {
    const [first] = await createClient({ baseUrl, retries: 0, ...(apiKey !== undefined && { apiKey }) }).models({
      signal,
    });
    if (first !== undefined) return first.id;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EideticError('unavailable', `The server does not list its models (${reason}); --model names one.`, {
      cause,
    });
  }
  throw new EideticError('unavailable', 'The server lists no model; --model names one.');
}

/** The figures as a table. */
function formatSummary(summary: LoadSummary): string {
  const { durationMs, answered, errors, promptTokens, cachedTokens, completionTokens } = summary;
  const failed = Object.entries(errors).toSorted(([, a], [, b]) => b - a);
  const percent = promptTokens === 0 ? '' : ` (${((100 * cachedTokens) / promptTokens).toFixed(0)} %)`;
  const rows: readonly (readonly [string, string])[] = [
    ['answered', `${answered} in ${(durationMs / 1000).toFixed(1)} s`],
    ...failed.map(([code, count]) => [`error ${code}`, String(count)] as const),
    ['requests/s', summary.requestsPerSecond.toFixed(2)],
    ['tokens/s', summary.tokensPerSecond.toFixed(1)],
    ['tokens generated', String(completionTokens)],
    ['prompt tokens', String(promptTokens)],
    ['of these cached', `${cachedTokens}${percent}`],
  ];
  const times: readonly (readonly [string, Quantiles | undefined])[] = [
    ['first token', summary.firstTokenMs],
    ['between pieces', summary.interTokenMs],
    ['whole answer', summary.totalMs],
  ];
  const cells = (of: readonly string[]): string => of.map((cell) => cell.padStart(10)).join('');
  const ms = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  return [
    ...rows.map(([name, value]) => `${name.padEnd(20)}${value}`),
    '',
    `${'milliseconds'.padEnd(20)}${cells(['p50', 'p90', 'p99'])}`,
    ...times.map(
      ([name, of]) => `${name.padEnd(20)}${cells(of ? [ms(of.p50), ms(of.p90), ms(of.p99)] : ['–', '–', '–'])}`,
    ),
    '',
  ].join('\n');
}
