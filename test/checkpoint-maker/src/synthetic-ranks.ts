import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Ranks of the embedded checkpoint: every single byte, and merges learnt from English and Chinese. */
const EMBEDDED_RANKS = join(import.meta.dirname, '../../../models/qwen-vl-nano-chat/qwen.tiktoken');

const LONGEST = 24;

/**
 * A tokenizer file of so many ranks: the embedded checkpoint's, then pairs of its words, each of which is a valid merge. Text takes about as many
 * tokens as with the embedded checkpoint.
 *
 * @throws RangeError for fewer ranks than single bytes, or more than there are pairs.
 */
export async function syntheticRanks(count: number): Promise<string> {
  if (count < 256) throw new RangeError(`${count} ranks do not cover the 256 single bytes.`);
  const lines = (await readFile(EMBEDDED_RANKS, 'utf8')).trim().split('\n');
  const table = lines.map((line) => Buffer.from(line.split(' ')[0] ?? '', 'base64').toString('latin1'));
  const tokens = new Set(table.slice(0, count));
  for (const token of pairsOf(table)) {
    if (tokens.size >= count) break;
    tokens.add(token);
  }
  if (tokens.size < count) throw new RangeError(`Only ${tokens.size} of ${count} ranks could be made.`);
  return Array.from(tokens, (token, rank) => `${Buffer.from(token, 'latin1').toString('base64')} ${rank}\n`).join('');
}

function* pairsOf(table: readonly string[]): Generator<string> {
  const endings = table.filter((token) => /^[a-z]{2,}$/.test(token));
  for (const first of table.filter((token) => /^ ?[A-Za-z]{2,}$/.test(token))) {
    for (const second of endings) if (first.length + second.length <= LONGEST) yield first + second;
  }
}
