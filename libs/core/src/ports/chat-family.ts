import type { PromptSegment } from './decoder.ts';

/** One message of a dialog, its pictures resolved to embeddings. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly PromptPart[];
}

/** A part of a message: text, or a picture by the key of its embedding and the positions it takes. */
export type PromptPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly key: string; readonly tokens: number };

/** A dialog as the language model reads it. */
export interface Prompt {
  readonly segments: readonly PromptSegment[];
  /** Picture, counted over the dialog from 0, that regions of the answer lie in unless they name another; -1: none. */
  readonly picture: number;
}

/** Something that an answer points at. */
export interface Region {
  /** What it is called; empty when the answer does not say. */
  readonly text: string;
  readonly shape: 'box' | 'quad';
  /** Fractions of the picture's width and height: two opposite corners of a box, four corners of a quadrilateral. */
  readonly corners: readonly { readonly x: number; readonly y: number }[];
  /** Picture that the answer named, counted over the dialog from 0. */
  readonly picture?: number;
}

/** What an answer's text consists of. The texts, joined, are the whole text: a region comes in addition. */
export type OutputEvent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'region'; readonly region: Region };

/** Token ids to text, one id at a time. */
export interface Detokenizer {
  /** Text that is complete with this id: never half a character. */
  push(id: number): string;
  /** The rest: a character that stayed incomplete becomes U+FFFD. */
  end(): string;
}

/** Text to events, a piece at a time; the same events wherever the pieces are cut, except for how text is cut. */
export interface OutputParser {
  push(text: string): OutputEvent[];
  end(): OutputEvent[];
}

/** What only a model's family knows of a dialog: its prompt, its tokens, its output grammar. */
export interface ChatFamily {
  readonly stopTokenIds: readonly number[];
  /** Text before which an answer in a dialog ends in any case. */
  readonly stop: readonly string[];
  /** Fewest tokens that a text can take. Cheap: it tells an impossible text without encoding it. */
  minTokens(text: string): number;
  /**
   * Refuses a dialog that the model cannot read.
   *
   * @throws EideticError `invalid_request`, naming the index of the message.
   */
  checkDialog(messages: readonly Pick<PromptMessage, 'role'>[]): void;
  /** Encodes a dialog that `checkDialog` accepts. */
  buildPrompt(messages: readonly PromptMessage[]): Prompt;
  /** Encodes a text that the model is to go on with: what it says, its pictures where they stand, and nothing else. */
  buildRawPrompt(parts: readonly PromptPart[]): Prompt;
  createDetokenizer(): Detokenizer;
  /** Number of token ids: every id is below. */
  readonly vocabulary: number;
  /**
   * One token by itself: its text as people read it (U+FFFD for a part of a character, a name for a control token), and the UTF-8
   * bytes that it adds to an answer, none for a control token.
   */
  describeToken(id: number): { readonly text: string; readonly bytes: Uint8Array };
  createOutputParser(): OutputParser;
}
