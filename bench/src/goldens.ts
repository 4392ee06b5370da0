import { readFile } from 'node:fs/promises';

/** A prompt and its greedy continuation by the reference implementation. */
export interface Golden {
  readonly name: string;
  readonly prompt_ids: readonly number[];
  readonly output_ids: readonly number[];
  readonly messages: readonly { readonly content: unknown }[];
}

const GOLDENS = new URL('../../test/data/goldens/cases.json', import.meta.url);

/** The reference cases without pictures: what a contender that takes token ids alone can answer. */
export async function textGoldens(): Promise<readonly Golden[]> {
  const { cases } = JSON.parse(await readFile(GOLDENS, 'utf8')) as { cases: readonly Golden[] };
  return cases.filter(({ messages }) => !JSON.stringify(messages).includes('"image"'));
}
