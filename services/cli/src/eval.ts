import { writeFile } from 'node:fs/promises';
import { EideticError } from '@eidetic/core';
import {
  DATASET_FORMATS,
  type Dataset,
  type EvalQuestion,
  type EvalRun,
  formatSummary,
  missingPictures,
  ownQuestions,
  type PromptStyle,
  ResultsFile,
  runEval,
  selectQuestions,
  summarise,
  withPictures,
} from '@eidetic/eval';
import type { Command } from './commands.ts';
import { type EvalArguments, readArguments } from './eval/arguments.ts';
import { openModel } from './eval/open-model.ts';
import { progressReporter } from './eval/progress.ts';
import { seededRandom } from './seeded-random.ts';
import { say, show } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Data sets whose answers a judge elsewhere scores. */
const JUDGED = 'vqav2, okvqa, textvqa, docvqa, seed-bench, touchstone';

const dataSets = DATASET_FORMATS.filter(({ name }) => name !== ownQuestions.name)
  .map(({ name, files }) => `  ${name.padEnd(12)}${files}`)
  .join('\n');

const usage = `eidetic eval DATASET FILES (--server URL | --model FOLDER) [options]
eidetic eval QUESTIONS.jsonl (--server URL | --model FOLDER) [options]

Has a model answer the questions of a data set and scores the answers as the Qwen-VL paper does, with published figures beside them.
Run again to go on where a run stopped: what is in the results is not asked again, what failed is. docs/evaluation.md says where the
files are to be had. Those that Qwen-VL's own evaluation makes of them (.jsonl) are read as well.

${dataSets}

A file of questions of your own has a line {"task", "language", "images": [paths], "question", "answer"} or, for several turns,
{"task", "language", "messages", "answer"} for each; an "id" is optional. It is scored by exact match, and by intersection over union where
the wanted answer holds boxes.

  --server URL         an OpenAI-compatible server, such as http://localhost:8080/v1
  --model NAME         with --server: default the first that the server lists
  --model FOLDER       without: a checkpoint or a bundle that is loaded here, set up by EIDETIC_* variables
  --api-key KEY        sent as a bearer token; default: EIDETIC_API_KEY
  --images FOLDER      of the pictures; default: beside the first file
  --prompt STYLE       raw (a text to go on with, over /v1/completions) or chat; default: as the paper's evaluation has it
  --limit N            ask the first N questions only
  --shuffle SEED       mix the questions first; the same seed mixes them the same way
  --skip-missing       leave out questions whose pictures are missing, in place of asking none
  --results FILE       one JSON object a question; default: DATASET.results.jsonl, QUESTIONS.results.jsonl
  --report FILE        the table as JSON
  --submission FILE    the answers as the data set's judge takes them: ${JUDGED}
  --concurrency N      questions under way at the same time; default 4
  --max-tokens N       of one answer; default: as the paper's evaluation has it
  --timeout SECONDS    of one answer of a server; default 300

Exit status 1 if not every question was answered.

Examples:
  eidetic eval questions.jsonl --server http://localhost:8080/v1 --concurrency 8
  eidetic eval refcoco refcoco_val.jsonl refcoco_testA.jsonl --images ~/Qwen-VL/eval_mm --server http://localhost:8080/v1
  eidetic eval docvqa val/val_v1.0.json --model ~/models/qwen-vl-int4 --limit 500 --shuffle 1`;

/** `eidetic eval`. */
export const evaluate: Command = { usage, run: runEvaluation };

/**
 * The table goes to standard output, progress to standard error.
 *
 * @throws UsageError for wrong arguments; EideticError `invalid_request` for wrong files, `unavailable` when the server cannot be reached or
 *   gives no answers.
 */
async function runEvaluation(args: readonly string[], signal: AbortSignal): Promise<number> {
  const options = readArguments(args, process.env);
  const dataset = await options.format.open(options.files);
  for (const note of dataset.notes) say(note);
  const style = options.style ?? dataset.style;
  checkOptions(dataset, style, options);
  const questions = await chooseQuestions(dataset, style, options);
  await using model = await openModel(options.answering, { onProgress: show, signal });
  const maxTokens = options.maxTokens ?? dataset.maxTokens;
  const run = { dataset: dataset.name, style, model: model.name, maxTokens };
  const resultsFile = await ResultsFile.open(options.resultsPath, run);
  const now = () => performance.now();
  const report = progressReporter({ isTerminal: process.stderr.isTTY, show, say, now });
  let kept = 0;
  try {
    const outputs = await runEval({
      questions,
      style,
      answer: model.answerer({ style, maxTokens, minTokens: Math.min(dataset.minTokens, maxTokens) }),
      resultsFile,
      concurrency: options.concurrency,
      now,
      onProgress(progress) {
        kept = progress.kept;
        report(progress);
      },
      signal,
    });
    const hint = kept === 0 ? '' : `, of which ${kept} are from an earlier run: remove the file to ask all again`;
    say(`${resultsFile.results.size} results in ${resultsFile.path}${hint}`);
    await tell(dataset, questions, outputs, run, options);
    return outputs.size === questions.length ? 0 : 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    say(
      `Stopped with ${resultsFile.results.size} results in ${resultsFile.path}. The same command goes on from there.`,
    );
    return 1;
  }
}

/** Prints the table and writes what else is wanted. */
async function tell(
  dataset: Dataset,
  questions: readonly EvalQuestion[],
  outputs: ReadonlyMap<string, string>,
  run: EvalRun,
  { reportPath, submissionPath, files }: EvalArguments,
): Promise<void> {
  const summary = summarise(dataset, dataset.score(questions, outputs));
  process.stdout.write(`${formatSummary(summary, dataset.measures)}\n`);
  if (reportPath !== undefined) {
    const report = { ...summary, files: files.paths, ...run, measures: dataset.measures };
    await write(reportPath, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (submissionPath !== undefined) await write(submissionPath, dataset.submission?.(questions, outputs) ?? '');
}

async function write(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((cause: NodeJS.ErrnoException) => {
    throw new EideticError('invalid_request', `${path} cannot be written: ${cause.message}.`, { cause });
  });
}

function checkOptions(dataset: Dataset, style: PromptStyle, { submissionPath }: EvalArguments): void {
  if (submissionPath !== undefined && dataset.submission === undefined) {
    throw new UsageError(`Nobody takes answers to ${dataset.name}; --submission is for ${JUDGED}.`);
  }
  if (style === 'raw' && dataset.questions.some(({ prompt }) => prompt === undefined)) {
    throw new UsageError(`${dataset.name} has dialogs, which --prompt raw cannot put.`);
  }
}

/** @throws EideticError `invalid_request` naming pictures that are missing, unless they may be. */
async function chooseQuestions(
  dataset: Dataset,
  style: PromptStyle,
  { limit, seed, skipMissing }: EvalArguments,
): Promise<readonly EvalQuestion[]> {
  const random = seed === undefined ? undefined : seededRandom(seed);
  const chosen = selectQuestions(dataset.questions, { limit, random });
  const missing = await missingPictures(chosen, style);
  if (missing.size === 0) return chosen;
  const names = [...missing].slice(0, 5).join(', ');
  const said = `${missing.size} ${missing.size === 1 ? 'picture is' : 'pictures are'} missing: ${names}${missing.size > 5 ? ', …' : ''}.`;
  const left = withPictures(chosen, style, missing);
  if (!skipMissing || left.length === 0) {
    throw new EideticError(
      'invalid_request',
      `${said} --images says where they are; --skip-missing leaves their questions out.`,
    );
  }
  say(`${said} ${chosen.length - left.length} of ${chosen.length} questions are left out.`);
  return left;
}
