import { appendFile, readFile, truncate } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { EideticError } from '@eidetic/core';
import { type EvalResult, type EvalRun, resultSchema, runSchema } from './result.ts';

/** The results of a run, so that an interrupted one can go on: a line that says which run it is, then a JSON object for each result. */
export class ResultsFile {
  readonly path: string;
  readonly #results: Map<string, EvalResult>;

  private constructor(path: string, results: Map<string, EvalResult>) {
    this.path = path;
    this.#results = results;
  }

  /**
   * Opens a file of results of this run, or starts one. An unfinished last line, left by a killed run, is cut off.
   *
   * @throws EideticError `invalid_request` naming the line that is no result, or what is different about the run that the file is of.
   */
  static async open(path: string, run: EvalRun): Promise<ResultsFile> {
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw new EideticError('invalid_request', `The results in ${path} cannot be read.`, { cause: error });
    });
    const end = bytes.lastIndexOf('\n') + 1;
    if (end < bytes.length) await truncate(path, end);
    const [first, ...lines] = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
    if (first === undefined) await write(path, { run });
    else checkRun(path, first, run);
    const results = new Map<string, EvalResult>();
    for (const [index, line] of lines.entries()) {
      const result = resultSchema.safeParse(parseJson(line));
      if (!result.success) {
        const message = `${path}, line ${index + 2} is not a result. Choose another file for the results.`;
        throw new EideticError('invalid_request', message);
      }
      results.set(result.data.id, result.data);
    }
    return new ResultsFile(path, results);
  }

  /** The newest result of every question, by id. */
  get results(): ReadonlyMap<string, EvalResult> {
    return this.#results;
  }

  /** Adds a result, or replaces the one of the same id. */
  async append(result: EvalResult): Promise<void> {
    await write(this.path, result);
    this.#results.set(result.id, result);
  }
}

async function write(path: string, line: object): Promise<void> {
  await appendFile(path, `${JSON.stringify(line)}\n`).catch((cause: NodeJS.ErrnoException) => {
    throw new EideticError('invalid_request', `The results cannot be written to ${path}: ${cause.message}.`, { cause });
  });
}

function checkRun(path: string, line: string, wanted: EvalRun): void {
  const header = parseJson(line);
  const found = runSchema.safeParse(typeof header === 'object' && header !== null && 'run' in header && header.run);
  if (!found.success) {
    throw new EideticError('invalid_request', `${path} is no file of results. Choose another file for the results.`);
  }
  if (isDeepStrictEqual(found.data, wanted)) return;
  const message = `${path} has results of another run: ${JSON.stringify(found.data)} instead of ${JSON.stringify(wanted)}. Choose another file for the results.`;
  throw new EideticError('invalid_request', message);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the caller names the line
  }
}
