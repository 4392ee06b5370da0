import type { Manifest } from '@eidetic/bundle';
import { parseRanks } from './tokenizer.ts';

/** The tokens of a bundle as those need them who say which may come next. */
export interface Vocabulary {
  /** Columns of the logits, padding included. */
  readonly vocab: number;
  /** UTF-8 bytes of an ordinary token, possibly a part of a character; empty for special tokens and padding. */
  bytes(id: number): Uint8Array;
}

/**
 * The vocabulary of a bundle. Special tokens have no bytes here, those of regions neither: `<box>` as text is spelled with ordinary ones.
 *
 * @param ranks Content of the bundle's tokenizer file.
 * @throws EideticError `invalid_checkpoint` when the tokenizer file is damaged.
 */
export function vocabularyOf(manifest: Pick<Manifest, 'decoder'>, ranks: Uint8Array): Vocabulary {
  const table = parseRanks(ranks);
  return { vocab: manifest.decoder.vocab, bytes: (id) => Buffer.from(table[id] ?? '', 'latin1') };
}
