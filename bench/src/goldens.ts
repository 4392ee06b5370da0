import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A prompt and its greedy continuation by the reference implementation. */
export interface Golden {
  readonly name: string;
  readonly prompt_ids: readonly number[];
  readonly output_ids: readonly number[];
  readonly first_step_top5: readonly { readonly id: number; readonly logit: number }[];
  readonly messages: readonly { readonly content: string | readonly { readonly image?: string }[] }[];
}

const GOLDENS = new URL('../../test/data/goldens/', import.meta.url);

/** Every reference case. */
export async function allGoldens(): Promise<readonly Golden[]> {
  const json = await readFile(new URL('cases.json', GOLDENS), 'utf8');
  return (JSON.parse(json) as { cases: readonly Golden[] }).cases;
}

/** Paths of a case's pictures, in order. */
export const picturesOf = ({ messages }: Golden): string[] =>
  messages
    .flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    .flatMap(({ image }) => (image === undefined ? [] : [fileURLToPath(new URL(image, GOLDENS))]));

/** The reference cases without pictures: what a contender that takes token ids alone can answer. */
export async function textGoldens(): Promise<readonly Golden[]> {
  return (await allGoldens()).filter((golden) => picturesOf(golden).length === 0);
}
