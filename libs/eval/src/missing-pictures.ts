import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type EvalPart, type EvalQuestion, type PromptStyle, partsOf } from './question.ts';

/** The pictures of a question that are files. */
const filesOf = (parts: readonly EvalPart[]): readonly string[] =>
  parts.flatMap((part) => (part.type === 'image' && 'image' in part ? part.image : []));

/** Files of pictures that are asked about and are not there, each once. A folder is listed once, however many pictures it has. */
export async function missingPictures(
  questions: readonly EvalQuestion[],
  style: PromptStyle,
): Promise<ReadonlySet<string>> {
  const wanted = new Set(questions.flatMap((question) => filesOf(partsOf(question, style))));
  const missing = new Set<string>();
  for (const [folder, paths] of Map.groupBy(wanted, dirname)) {
    // A folder that cannot be listed has none of them for us.
    const names = new Set(await readdir(folder).catch((): string[] => []));
    for (const path of paths) if (!names.has(basename(path))) missing.add(path);
  }
  return missing;
}

/** The questions all of whose pictures are there. */
export function withPictures(
  questions: readonly EvalQuestion[],
  style: PromptStyle,
  missing: ReadonlySet<string>,
): readonly EvalQuestion[] {
  return questions.filter((question) => !filesOf(partsOf(question, style)).some((path) => missing.has(path)));
}
