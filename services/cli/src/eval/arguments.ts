import { resolve } from 'node:path';
import { nearestName } from '@eidetic/config';
import {
  DATASET_FORMATS,
  type DatasetFiles,
  type DatasetFormat,
  type OpenAiServer,
  ownQuestions,
  type PromptStyle,
} from '@eidetic/eval';
import { parseArguments, serverAddress, wholeNumber } from '../arguments.ts';
import { UsageError } from '../usage-error.ts';

const OPTIONS = {
  server: { type: 'string' },
  model: { type: 'string' },
  'api-key': { type: 'string' },
  images: { type: 'string' },
  prompt: { type: 'string' },
  results: { type: 'string' },
  report: { type: 'string' },
  submission: { type: 'string' },
  limit: { type: 'string' },
  shuffle: { type: 'string' },
  'skip-missing': { type: 'boolean', default: false },
  concurrency: { type: 'string', default: '4' },
  'max-tokens': { type: 'string' },
  timeout: { type: 'string', default: '300' },
} as const;

/** Seeds are 32 bits. */
const MAX_SEED = 2 ** 32 - 1;
/** Timers hold 31 bits of milliseconds. */
const MAX_TIMEOUT_SECONDS = 2_000_000;

/** Who answers. */
export type Answering =
  | { readonly kind: 'server'; readonly server: OpenAiServer; readonly model: string | undefined }
  | { readonly kind: 'local'; readonly folder: string };

/** What `eidetic eval` is called with. */
export interface EvalArguments {
  readonly format: DatasetFormat;
  readonly files: DatasetFiles;
  readonly answering: Answering;
  /** Absent: as the data set's published evaluation has it. */
  readonly style: PromptStyle | undefined;
  readonly maxTokens: number | undefined;
  readonly resultsPath: string;
  readonly reportPath: string | undefined;
  readonly submissionPath: string | undefined;
  readonly limit: number | undefined;
  readonly seed: number | undefined;
  readonly skipMissing: boolean;
  readonly concurrency: number;
}

/** @throws UsageError for wrong arguments. */
export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): EvalArguments {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const { format, paths } = readFormat(positionals);
  const apiKey = values['api-key'] ?? env.EIDETIC_API_KEY;
  const timeoutMs = wholeNumber('--timeout', values.timeout, 1, MAX_TIMEOUT_SECONDS) * 1000;
  const optional = (option: '--limit' | '--max-tokens', text: string | undefined) =>
    text === undefined ? undefined : wholeNumber(option, text);
  return {
    format,
    files: { paths, ...(values.images !== undefined && { images: values.images }) },
    answering:
      values.server === undefined
        ? { kind: 'local', folder: resolve(values.model ?? missingAnswerer()) }
        : {
            kind: 'server',
            model: values.model,
            server: {
              baseUrl: baseUrlOf(serverAddress('--server', values.server)),
              timeoutMs,
              ...(apiKey !== undefined && { apiKey }),
            },
          },
    style: readStyle(values.prompt),
    maxTokens: optional('--max-tokens', values['max-tokens']),
    resultsPath: values.results ?? defaultResults(format, paths),
    reportPath: values.report,
    submissionPath: values.submission,
    limit: optional('--limit', values.limit),
    seed: values.shuffle === undefined ? undefined : wholeNumber('--shuffle', values.shuffle, 0, MAX_SEED),
    skipMissing: values['skip-missing'],
    concurrency: wholeNumber('--concurrency', values.concurrency, 1, 10_000),
  };
}

/** The address of a server alone stands for its `/v1`; one with a path is meant as it is. */
const baseUrlOf = (address: string): string =>
  new URL(address).pathname === '/' ? new URL('/v1', address).href : address;

function missingAnswerer(): never {
  throw new UsageError('--server is needed, or --model with the folder of a model to load.');
}

function readFormat([first, ...rest]: readonly string[]): { format: DatasetFormat; paths: readonly string[] } {
  if (first === undefined) throw new UsageError('A data set and its files are needed.');
  const format = DATASET_FORMATS.find(({ name }) => name === first);
  if (format === undefined) {
    // A file alone is one of questions.
    if (rest.length === 0) return { format: ownQuestions, paths: [first] };
    const names = DATASET_FORMATS.map(({ name }) => name);
    const nearest = nearestName(first, names);
    const hint = nearest === undefined ? `There are ${names.join(', ')}.` : `Did you mean ${nearest}?`;
    throw new UsageError(`There is no data set ${first}. ${hint}`);
  }
  if (rest.length === 0) throw new UsageError(`${format.name} needs its files: ${format.files}`);
  if (rest.length > format.maxFiles) {
    throw new UsageError(`${format.name} takes ${format.files}; what is ${rest[format.maxFiles]}?`);
  }
  return { format, paths: rest };
}

function readStyle(text: string | undefined): PromptStyle | undefined {
  if (text === undefined || text === 'raw' || text === 'chat') return text;
  throw new UsageError(`--prompt is ${text}; raw or chat is needed.`);
}

/** Beside the questions for those of one's own, otherwise where the user is: data sets are often read-only. */
function defaultResults({ name }: DatasetFormat, [path = '']: readonly string[]): string {
  return name === ownQuestions.name ? path.replace(/(\.jsonl)?$/, '.results.jsonl') : `${name}.results.jsonl`;
}
