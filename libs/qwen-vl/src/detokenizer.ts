import type { Detokenizer } from '@eidetic/core';
import type { Tokenizer } from './tokenizer.ts';

/** Decodes an answer as it is generated. Tags of regions stay as text; control tokens and unknown ids vanish. */
export function createDetokenizer(tokenizer: Tokenizer): Detokenizer {
  // Decoding as a stream holds back incomplete characters; a byte order mark is a character like any other.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push: (id) => decoder.decode(tokenizer.bytes(id), { stream: true }),
    end: () => decoder.decode(),
  };
}
