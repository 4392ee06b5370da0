import type { ImageEmbedding } from './vision-encoder.ts';

/** A piece of a prompt: token ids, or the rows of a picture's embedding. */
export type PromptSegment =
  | { readonly kind: 'tokens'; readonly ids: readonly number[] }
  | {
      readonly kind: 'image';
      readonly key: string;
      readonly tokens: number;
      /** The embedding itself, where caller and decoder share memory: no cache can lose it in between. */
      readonly embedding?: ImageEmbedding;
    };

/** How the next token is chosen from the logits. */
export interface SamplingOptions {
  /** 0 is greedy. */
  readonly temperature: number;
  /** Smallest set of tokens whose probability reaches this is kept; 1 keeps all. In (0, 1]. */
  readonly topP: number;
  /** Number of likeliest tokens kept; 0 keeps all. */
  readonly topK: number;
  /** Divides positive and multiplies negative logits of ids seen before (Keskar et al. 2019); 1 is off. */
  readonly repetitionPenalty: number;
  /** Random numbers are a function of (seed, position): a continuation elsewhere draws the same. */
  readonly seed: number;
}

/** One generation. */
export interface GenerateRequest {
  readonly requestId: string;
  readonly prompt: readonly PromptSegment[];
  readonly sampling: SamplingOptions;
  /** Most tokens to generate, the stop token not counted. */
  readonly maxTokens: number;
  /** Sampling one of these ends the generation; the id itself is not emitted. */
  readonly stopTokenIds: readonly number[];
}

/** What a generation yields, in order: `prefilled` once, `token` 0..maxTokens times, `finished` once. */
export type GenerateEvent =
  | {
      readonly kind: 'prefilled';
      /** Positions of the prompt, image rows included. */
      readonly promptTokens: number;
      /** Of them, positions whose KV state was reused. */
      readonly cachedTokens: number;
    }
  | { readonly kind: 'token'; readonly id: number }
  | { readonly kind: 'finished'; readonly reason: 'stop' | 'length'; readonly completionTokens: number };

/** Looks an embedding up by its key; `undefined` when it is not there. */
export type EmbeddingResolver = (key: string) => Promise<ImageEmbedding | undefined>;

/** The language model: token ids and embeddings in, token ids out. It knows no text. */
export interface Decoder {
  /** Most positions (prompt and completion) of one sequence. */
  readonly maxContext: number;
  /**
   * Runs one generation. Aborting `signal`, or leaving the iteration, frees the sequence's slot within one step.
   *
   * @throws EideticError `context_length_exceeded` (prompt + maxTokens > maxContext), `overloaded` (queue full),
   *   `unavailable` (an embedding is missing, or the engine is stopped), `cancelled`, `inference_failed`.
   */
  generate(request: GenerateRequest, signal?: AbortSignal): AsyncIterable<GenerateEvent>;
}
