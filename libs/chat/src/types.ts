import type { SamplingOptions } from '@eidetic/core';

/** Where a picture comes from. */
export type ImageSource =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A picture sent before, by the sha256 (hex) of its bytes. */
  | { readonly kind: 'reference'; readonly imageId: string };

/** A part of a message. */
export type ContentPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly source: ImageSource };

/** One message of a dialog. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly ContentPart[];
}

/** One turn to answer. What the HTTP and gRPC layers turn their own formats into. */
export interface ChatRequest {
  readonly requestId: string;
  readonly messages: readonly ChatMessage[];
  /** Absent fields take the model's generation defaults. */
  readonly sampling: Partial<SamplingOptions>;
  /** Most tokens to generate; absent: the model's default, capped by what the context leaves. */
  readonly maxTokens?: number;
  /** The answer ends before the first of these. */
  readonly stop: readonly string[];
}

/** A picture of the request, in order of appearance over all messages. */
export interface ResolvedImage {
  /** sha256 (hex) of the bytes. */
  readonly imageId: string;
  readonly width: number;
  readonly height: number;
  /** Whether the embedding was there before this request. */
  readonly cached: boolean;
}

/** Token counts of one answer. */
export interface Usage {
  /** Positions of the prompt, image positions included. */
  readonly promptTokens: number;
  /** Of them, taken by pictures. */
  readonly imageTokens: number;
  /** Of them, whose KV state was reused. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
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
  /** From request to first token. */
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

/** What an answer yields, in order: `started` once, then `text` and `grounding`, then `finished` once. */
export type ChatEvent =
  | { readonly kind: 'started'; readonly images: readonly ResolvedImage[]; readonly promptTokens: number }
  /** A piece of the answer as the model wrote it, tags included; never half a character, never half a tag. */
  | { readonly kind: 'text'; readonly text: string }
  /** Sent when its closing tag has been generated. */
  | { readonly kind: 'grounding'; readonly grounding: Grounding }
  | {
      readonly kind: 'finished';
      readonly reason: 'stop' | 'length';
      readonly usage: Usage;
      readonly timings: ChatTimings;
    };

/** Answers dialogs about pictures. */
export interface ChatService {
  /** Name under which the model is served. */
  readonly model: string;
  /**
   * Answers one turn. Aborting `signal`, or leaving the iteration, stops the work.
   *
   * @throws EideticError on the first `next()`, before any event: `invalid_image`, `image_too_large`,
   *   `unsupported_image_source`, `too_many_images`, `context_length_exceeded`, `invalid_request`, `overloaded`;
   *   any time: `cancelled`, `unavailable`, `inference_failed`.
   */
  chat(request: ChatRequest, signal?: AbortSignal): AsyncIterable<ChatEvent>;
}
