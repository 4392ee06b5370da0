import type { Manifest } from '@eidetic/bundle';
import { type ChatFamily, EideticError } from '@eidetic/core';
import { createDetokenizer } from './detokenizer.ts';
import { createGroundingParser } from './grounding.ts';
import { buildPrompt, buildRawPrompt, checkDialog } from './prompt.ts';
import { createTokenizer, parseRanks } from './tokenizer.ts';

/** Word that begins the next question in the texts that base models were trained on. */
const RAW_STOP = 'Human:';

/**
 * Prompts, tokens and output grammar of Qwen-VL and Qwen-VL-Chat.
 *
 * @param manifest The bundle's manifest.
 * @param ranks Content of the bundle's tokenizer file.
 * @throws EideticError `invalid_checkpoint` when the tokenizer file is damaged, `invalid_bundle` when it does not fit
 *   the manifest.
 */
export function createQwenVlFamily(
  manifest: Pick<Manifest, 'tokenizer' | 'generation' | 'embeddings'>,
  ranks: Uint8Array,
): ChatFamily {
  const tokenizer = createTokenizer(parseRanks(ranks), manifest.tokenizer.special);
  const last = tokenizer.id('<imgpad>');
  if (last >= manifest.embeddings.rows) {
    throw new EideticError(
      'invalid_bundle',
      `The manifest gives <imgpad> the id ${last}, but there are only ${manifest.embeddings.rows} embeddings.`,
    );
  }
  const { chatFormat, stopTokenIds } = manifest.generation;
  const names = new Map(Object.entries(manifest.tokenizer.special).map(([name, id]) => [id, name]));
  return {
    vocabulary: manifest.embeddings.rows,
    describeToken(id) {
      const bytes = tokenizer.bytes(id);
      // A byte order mark is a character like any other.
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      return { text: names.get(id) ?? (text || `<|${id}|>`), bytes };
    },
    stopTokenIds,
    stop: chatFormat === 'raw' ? [RAW_STOP] : [],
    minTokens: tokenizer.minTokens,
    checkDialog,
    buildPrompt: (messages) => buildPrompt(messages, tokenizer, chatFormat),
    buildRawPrompt: (parts) => buildRawPrompt(parts, tokenizer),
    createDetokenizer: () => createDetokenizer(tokenizer),
    createOutputParser: createGroundingParser,
  };
}
