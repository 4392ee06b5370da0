import { readFileSync } from 'node:fs';
import type { GrammarMatcher, TokenMask } from '@eidetic/core';
import { vocabularyOf } from '@eidetic/qwen-vl';
import type { GrammarVocabulary } from './grammar-compiler.ts';

/** Ids of a mask. */
export function allowedIds(mask: TokenMask): number[] {
  const ids: number[] = [];
  for (let id = 0; id < mask.length * 32; id++) if (((mask[id >> 5] ?? 0) >>> (id % 32)) & 1) ids.push(id);
  return ids;
}

/** The embedded model's vocabulary, and its stop token. */
export const NANO: GrammarVocabulary = vocabularyOf(
  { decoder: { vocab: 4352 } } as Parameters<typeof vocabularyOf>[0],
  readFileSync(new URL('../../../models/qwen-vl-nano-chat/qwen.tiktoken', import.meta.url)),
);
export const NANO_STOP = 4098;

/** Tokens that spell a text, one byte each. */
export function byteTokens(vocabulary: GrammarVocabulary, text: string): number[] {
  const ids = new Map<number, number>();
  for (let id = 0; id < vocabulary.vocab; id++) {
    const [byte, ...more] = vocabulary.bytes(id);
    if (byte !== undefined && more.length === 0) ids.set(byte, id);
  }
  return Array.from(Buffer.from(text), (byte) => ids.get(byte) ?? -1);
}

/**
 * Walks through the masks: `choose` picks one of the allowed ids at each step, until a stop token or `maxTokens`.
 *
 * @returns The text, and whether a stop token ended it; no text if not.
 */
export async function walk(
  matcher: GrammarMatcher,
  vocabulary: GrammarVocabulary,
  stop: number,
  choose: (ids: readonly number[], step: number) => number,
  maxTokens: number,
): Promise<{ readonly text: string; readonly ended: boolean }> {
  const bytes: Uint8Array[] = [];
  let mask = matcher.first;
  for (let step = 0; step < maxTokens; step++) {
    const id = choose(allowedIds(mask), step);
    if (id === stop) return { text: decode(bytes), ended: true };
    bytes.push(vocabulary.bytes(id));
    mask = await matcher.accept(id);
  }
  return { text: '', ended: false };
}

/** Fails for bytes that are not UTF-8. */
function decode(bytes: readonly Uint8Array[]): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
}

/** A vocabulary of these tokens, given in Latin-1; the ids behind them are padding. */
export function smallVocabulary(tokens: readonly string[], vocab = tokens.length): GrammarVocabulary {
  return { vocab, bytes: (id) => Buffer.from(tokens[id] ?? '', 'latin1') };
}
