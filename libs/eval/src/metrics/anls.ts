import { meanMetric } from './metric.ts';

const THRESHOLD = 0.5;

/**
 * Average normalised Levenshtein similarity, from 0 to 1, with which DocVQA and InfographicVQA are scored (Biten et al.,
 * 2019; rules of the official infographicsvqa_eval.py): of the wanted answers the closest counts, a similarity below 0.5 is 0.
 * Case and runs of white space do not matter to the distance.
 */
export const anls = meanMetric<readonly string[]>((output, wanted) => {
  const similarity = Math.max(0, ...wanted.map((answer) => 1 - distanceShare(answer, output)));
  return similarity < THRESHOLD ? 0 : similarity;
});

/** Edits over the length of the longer text. The official length is that of the texts as they came, in upper case. */
function distanceShare(a: string, b: string): number {
  const length = Math.max([...a.toUpperCase()].length, [...b.toUpperCase()].length);
  return length === 0 ? 0 : levenshtein([...fold(a)], [...fold(b)]) / length;
}

function fold(text: string): string {
  return text.trim().toLowerCase().replace(/\s+/g, ' ');
}

/** Insertions, deletions and substitutions that turn one sequence into the other. */
function levenshtein(a: readonly string[], b: readonly string[]): number {
  let above = a.map((_, index) => index + 1);
  for (const [row, wanted] of b.entries()) {
    let diagonal = row;
    let left = row + 1;
    above = a.map((given, column) => {
      const up = above[column] ?? 0;
      left = given === wanted ? diagonal : 1 + Math.min(diagonal, up, left);
      diagonal = up;
      return left;
    });
  }
  return above.at(-1) ?? b.length;
}
