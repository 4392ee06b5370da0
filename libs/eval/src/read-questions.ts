import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EideticError } from '@eidetic/core';
import { type EvalQuestion, parseQuestion } from './question.ts';

/**
 * Reads a file of questions, one JSON object a line; blank lines are skipped. Paths of pictures are relative to it.
 *
 * @throws EideticError `invalid_request` naming the first line that is wrong and why.
 */
export async function readQuestions(path: string): Promise<readonly EvalQuestion[]> {
  const questions = new Map<string, EvalQuestion>();
  const lines = (await readText(path)).split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const at = `${path}, line ${index + 1}`;
    const question = parseQuestion(parseJson(line, at), `line-${index + 1}`, (image) => resolve(dirname(path), image));
    if (typeof question === 'string') throw new EideticError('invalid_request', `${at}: ${question}.`);
    if (questions.has(question.id)) {
      throw new EideticError('invalid_request', `${at}: another line has the id ${JSON.stringify(question.id)}.`);
    }
    questions.set(question.id, question);
  }
  if (questions.size === 0) throw new EideticError('invalid_request', `${path} holds no questions.`);
  return [...questions.values()];
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new EideticError('invalid_request', `The questions in ${path} cannot be read.`, { cause });
  }
}

function parseJson(line: string, at: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new EideticError('invalid_request', `${at} is not JSON: ${(cause as SyntaxError).message}.`, { cause });
  }
}
