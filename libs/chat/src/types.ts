import type { Grammar, SamplingOptions } from '@eidetic/core';

/** Where a picture comes from. */
export type ImageSource =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A picture that is to be fetched from an http(s) URL. */
  | { readonly kind: 'url'; readonly url: string }
  /** A picture sent before, by the sha256 (hex) of its bytes; `load` gets them, should the embedding have to be made (again). */
  | { readonly kind: 'reference'; readonly imageId: string; readonly load?: () => Promise<Uint8Array> };

/** A part of a message. */
export type ContentPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly source: ImageSource };

/** One message of a dialog. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly ContentPart[];
}

/** A dialog: the model says its next turn. */
export interface DialogInput {
  readonly messages: readonly ChatMessage[];
  readonly prompt?: never;
}

/** A text as it is, without roles or anything else around it: the model goes on with it. */
export interface RawInput {
  readonly prompt: readonly ContentPart[];
  readonly messages?: never;
}

/** What the model is given. */
export type ChatInput = DialogInput | RawInput;

/** How it is answered, and for whom. */
export interface ChatOptions {
  readonly requestId: string;
  /** Absent fields take the model's generation defaults. */
  readonly sampling: Partial<SamplingOptions>;
  /** Most tokens to generate; absent: the model's default, capped by what the context leaves. */
  readonly maxTokens?: number;
  /** Fewest tokens to generate: nothing ends the answer before, `maxTokens` excepted. Absent: 0. */
  readonly minTokens?: number;
  /** The answer ends before the first of these. */
  readonly stop: readonly string[];
  /** Answers to give, from 1 to `MAX_CHOICES`; 1 if absent. Answer `i` is sampled with the seed plus `i`. */
  readonly choices?: number;
  /** Report each token's log probability and those of as many of the likeliest tokens; absent: none. At most `MAX_LOGPROBS`. */
  readonly logprobs?: number;
  /** The answer is a word of this language; nothing but its end and `stop` ends it. */
  readonly grammar?: Grammar;
  /** Neither a stop token nor the family's stop strings end the answer: it is as long as it may be, unless `stop` ends it. */
  readonly ignoreEos?: boolean;
  /** Higher goes first; 0 if absent. */
  readonly priority?: number;
  /** Whom the work is for: a name that tells tenants apart, and is no secret. Absent: one that all such requests share. */
  readonly tenant?: string;
  /** Milliseconds since 1970 at which the request ends with `deadline_exceeded`; absent: it has time. */
  readonly deadlineMs?: number;
  /** Trace context (W3C) of the request. */
  readonly traceparent?: string;
}

/** One answer, or several, to give. What the HTTP and gRPC layers turn their own formats into. */
export type ChatRequest = ChatOptions & ChatInput;

/** A picture of the request, in order of appearance over all messages. */
export interface ResolvedImage {
  /** sha256 (hex) of the bytes. */
  readonly imageId: string;
  readonly width: number;
  readonly height: number;
  /** Whether the embedding was there before this request. */
  readonly cached: boolean;
}

/** Token counts of one request. */
export interface Usage {
  /** Positions of the prompt, image positions included. */
  readonly promptTokens: number;
  /** Of them, taken by pictures. */
  readonly imageTokens: number;
  /** Of them, whose KV state was reused: what the first answer found, not what the others got from it. */
  readonly cachedTokens: number;
  /** Of all answers together. */
  readonly completionTokens: number;
}

/** A token and how likely the model found it. */
export interface TokenScore {
  /** As people read it: U+FFFD for a part of a character, a name for a control token. */
  readonly text: string;
  /** UTF-8 of what it adds to the answer; empty for a control token. */
  readonly bytes: Uint8Array;
  /** Natural log probability under the model, before whatever sampling does. */
  readonly logprob: number;
}

/** A token of an answer. */
export interface AnswerToken extends TokenScore {
  /** The likeliest tokens in its place, likeliest first. */
  readonly top: readonly TokenScore[];
}

/** A point in pixels of the picture as shown, origin top left. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Something the answer points at. */
export interface Grounding {
  /** Text between `<ref>` tags; empty when a box stands alone. */
  readonly text: string;
  /** In pixels: top-left and bottom-right corner. For a quadrilateral its bounding box. */
  readonly box: { readonly x1: number; readonly y1: number; readonly x2: number; readonly y2: number };
  /** The four corners of a `<quad>`. */
  readonly quad?: readonly Point[];
  /** Index into the request's pictures. */
  readonly imageIndex: number;
}

/** Where the time of an answer went, in milliseconds. */
export interface ChatTimings {
  /** From request to all embeddings at hand. */
  readonly imagesMs: number;
  /** From the question to the decoder until it has said its last word. */
  readonly decoderMs: number;
  /** From request to first token of any answer. */
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

/**
 * What a request yields, in order: `started` once, then for each answer `text` and `grounding` and at its end `ended` once, those
 * of several answers mixed, then `finished` once. `choice` is the answer's index from 0.
 */
export type ChatEvent =
  | { readonly kind: 'started'; readonly images: readonly ResolvedImage[]; readonly promptTokens: number }
  /** A piece of the answer as the model wrote it, tags included; never half a character, never half a tag. */
  | {
      readonly kind: 'text';
      readonly choice: number;
      /** Empty only where there are tokens to report and no text. */
      readonly text: string;
      /** Tokens generated since the last text that had some, when log probabilities were asked for: together, every token. */
      readonly tokens?: readonly AnswerToken[];
    }
  /** Sent when its closing tag has been generated. */
  | { readonly kind: 'grounding'; readonly choice: number; readonly grounding: Grounding }
  | { readonly kind: 'ended'; readonly choice: number; readonly reason: 'stop' | 'length' }
  | {
      readonly kind: 'finished';
      /** `length` when any answer was cut off. */
      readonly reason: 'stop' | 'length';
      readonly usage: Usage;
      readonly timings: ChatTimings;
    };

/** What is known of a model once it is loaded. */
export interface ModelFacts {
  /** Changes with whatever may change an answer to the same request and seed: weights, precision, graphs. */
  readonly revision: string;
  /** Most positions of prompt and answer together. */
  readonly maxContext: number;
  /** Most pictures in one request. */
  readonly maxImages: number;
  /** Positions that a picture takes, the two marks around it not counted. */
  readonly tokensPerImage: number;
}

/** Answers dialogs about pictures, and goes on with texts. */
export interface ChatService {
  /** Name under which the model is served. */
  readonly model: string;
  /** Undefined until the model is loaded. */
  readonly facts?: ModelFacts | undefined;
  /**
   * Answers one request. Aborting `signal`, or leaving the iteration, stops the work. An answer that fails ends the others.
   *
   * @throws EideticError on the first `next()`, before any event: `invalid_image`, `image_too_large`,
   *   `unsupported_image_source`, `too_many_images`, `context_length_exceeded`, `invalid_request`, `overloaded`;
   *   any time: `cancelled`, `unavailable`, `inference_failed`. `details.param` names the field of the request that is wrong, where
   *   one is; `details.picture` the picture, counted from 0.
   */
  chat(request: ChatRequest, signal?: AbortSignal): AsyncIterable<ChatEvent>;
}
