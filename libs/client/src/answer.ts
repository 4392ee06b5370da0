import type { Message } from './messages.ts';

/** A picture of the request, in order of appearance over all messages. */
export interface SeenImage {
  /** sha256 (hex) of its bytes: `eidetic://sha256/<id>` names it in later requests. */
  readonly id: string;
  /** In pixels, as shown. */
  readonly width: number;
  readonly height: number;
  /** Whether the server knew it before. */
  readonly cached: boolean;
}

/** A point in pixels, origin top left. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle in pixels: its top-left and bottom-right corner. */
export interface Box {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Something that an answer points at. */
export interface Grounding {
  /** The words that the box belongs to; empty when it stands alone. */
  readonly text: string;
  /** In pixels of the picture as shown. */
  readonly box: Box;
  /** The corners, where the answer has a quadrilateral; `box` is then around it. */
  readonly quad?: readonly Point[];
  /** Index into the answer's `images`. */
  readonly imageIndex: number;
}

/** Token counts. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: {
    /** Of the prompt, computed in an earlier request. */
    readonly cached_tokens: number;
    /** Of the prompt, taken by pictures. */
    readonly image_tokens: number;
  };
}

/** Where the time of an answer went, in milliseconds on the server. */
export interface Timings {
  /** From request to all embeddings at hand. */
  readonly imagesMs: number;
  /** From the question to the decoder until it has said its last word. */
  readonly decoderMs: number;
  /** From request to first token. */
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

/** A token and how likely the model found it. */
export interface TokenScore {
  readonly token: string;
  /** Natural logarithm of its probability. */
  readonly logprob: number;
  /** UTF-8 of what it adds to the answer; null for a control token. */
  readonly bytes: readonly number[] | null;
}

/** A token of an answer. */
export interface AnswerToken extends TokenScore {
  /** The likeliest tokens in its place, likeliest first. */
  readonly top_logprobs: readonly TokenScore[];
}

/** `stop`: at its own end or a stop string; `length`: cut off at the limit of tokens. */
export type FinishReason = 'stop' | 'length';

/** One of the answers to a request. */
export interface Choice {
  /** As the model wrote it, tags included. */
  readonly text: string;
  readonly grounding: readonly Grounding[];
  /** Every token, when log probabilities were asked for. */
  readonly logprobs?: readonly AnswerToken[];
  readonly finishReason: FinishReason;
}

/** The whole answer to a request; what stands beside `choices` is the first one's. */
export interface ChatAnswer extends Choice {
  readonly id: string;
  readonly model: string;
  /** The answer as a message, for the next turn. */
  readonly message: Message;
  /** As many as the request's `n`. */
  readonly choices: readonly Choice[];
  readonly images: readonly SeenImage[];
  readonly usage: Usage;
  readonly timings: Timings;
}

/**
 * What a streamed answer brings: `started` once, then of each choice `text`, `grounding` and `logprobs`, those of several choices mixed,
 * and at its end `ended`; then `finished` once.
 */
export type ChatEvent =
  | { readonly kind: 'started'; readonly id: string; readonly model: string; readonly images: readonly SeenImage[] }
  /** The next piece of the answer: never half a character, never half a tag. */
  | { readonly kind: 'text'; readonly choice: number; readonly text: string }
  /** Once its closing tag has been generated. */
  | { readonly kind: 'grounding'; readonly choice: number; readonly grounding: Grounding }
  | { readonly kind: 'logprobs'; readonly choice: number; readonly tokens: readonly AnswerToken[] }
  | { readonly kind: 'ended'; readonly choice: number; readonly finishReason: FinishReason }
  | { readonly kind: 'finished'; readonly answer: ChatAnswer };
