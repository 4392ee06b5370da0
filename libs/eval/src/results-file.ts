import { appendFile, readFile, truncate } from 'node:fs/promises';
import { EideticError } from '@eidetic/core';
import { type EvalResult, resultSchema } from './result.ts';

/** The results of a run, one JSON object a line, so that an interrupted run can go on. */
export class ResultsFile {
  readonly path: string;
  readonly #results: Map<string, EvalResult>;

  private constructor(path: string, results: Map<string, EvalResult>) {
    this.path = path;
    this.#results = results;
  }

  /**
   * Opens a file of results, or starts one. An unfinished last line, left by a killed run, is cut off.
   *
   * @throws EideticError `invalid_request` naming the line that is no result.
   */
  static async open(path: string): Promise<ResultsFile> {
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw new EideticError('invalid_request', `The results in ${path} cannot be read.`, { cause: error });
    });
    const end = bytes.lastIndexOf('\n') + 1;
    if (end < bytes.length) await truncate(path, end);
    const results = new Map<string, EvalResult>();
    const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
    for (const [index, line] of lines.entries()) {
      const result = parseResult(line);
      if (result === undefined) {
        const message = `${path}, line ${index + 1} is not a result. Choose another file for the results.`;
        throw new EideticError('invalid_request', message);
      }
      results.set(result.id, result);
    }
    return new ResultsFile(path, results);
  }

  /** The newest result of every question, by id. */
  get results(): ReadonlyMap<string, EvalResult> {
    return this.#results;
  }

  /** Adds a result, or replaces the one of the same id. */
  async append(result: EvalResult): Promise<void> {
    await appendFile(this.path, `${JSON.stringify(result)}\n`);
    this.#results.set(result.id, result);
  }
}

function parseResult(line: string): EvalResult | undefined {
  try {
    return resultSchema.parse(JSON.parse(line));
  } catch {
    return undefined; // the caller names the line
  }
}
