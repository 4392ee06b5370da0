import type { Grammar } from './grammar.ts';
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
  /** Tokens less likely than this share of the likeliest one are left out; 0 keeps all. In [0, 1]. */
  readonly minP: number;
  /** Divides positive and multiplies negative logits of ids in prompt or answer (Keskar et al. 2019); 1 is off. */
  readonly repetitionPenalty: number;
  /** Subtracted from the logits of ids that the answer has already; 0 is off. */
  readonly presencePenalty: number;
  /** Subtracted from the logits of ids once for each time that the answer has them; 0 is off. */
  readonly frequencyPenalty: number;
  /** Added to the logits of these ids. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** Random numbers are a function of (seed, position): a continuation elsewhere draws the same. */
  readonly seed: number;
}

/** Takes the likeliest token and changes no logit; what other options are spread over. */
export const GREEDY: SamplingOptions = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: new Map(),
  seed: 0,
};

/** One generation. */
export interface GenerateRequest {
  readonly requestId: string;
  readonly prompt: readonly PromptSegment[];
  readonly sampling: SamplingOptions;
  /** Most tokens to generate, the stop token not counted. */
  readonly maxTokens: number;
  /** Fewest tokens to generate: stop tokens are not chosen before. Absent: 0. Not with a grammar, which ends where it does. */
  readonly minTokens?: number;
  /** Sampling one of these ends the generation; the id itself is not emitted. */
  readonly stopTokenIds: readonly number[];
  /** Report each token's log probability and those of as many of the likeliest tokens; absent: none. At most `MAX_LOGPROBS`. */
  readonly logprobs?: number;
  /** The answer is a word of this language. */
  readonly grammar?: Grammar;
  /** Higher goes first; 0 if absent. */
  readonly priority?: number;
  /** Whom the work is for: tenants that wait get equal shares. Absent: one that all such requests share. */
  readonly tenant?: string;
  /**
   * Tokens that the answer begins with, from a decoder that did not get to its end. They are computed as decode steps, as that
   * decoder did, so that what follows is the same to the bit; they count as generated, but are not emitted again.
   */
  readonly answered?: readonly number[];
  /** Milliseconds since 1970 at which the request ends with `deadline_exceeded`, waiting or running. */
  readonly deadlineMs?: number;
  /** Trace context (W3C) of what the answer is for. */
  readonly traceparent?: string;
}

/** Most likeliest tokens that log probabilities are reported for, as in OpenAI's API. */
export const MAX_LOGPROBS = 20;

/** A token and its natural log probability under the model: before temperature, penalties and whatever else sampling does. */
export interface TokenLogprob {
  readonly id: number;
  readonly logprob: number;
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
  | {
      readonly kind: 'token';
      readonly id: number;
      /** When asked for. */
      readonly logprob?: number;
      /** The likeliest tokens, likeliest first; when asked for. */
      readonly top?: readonly TokenLogprob[];
    }
  | { readonly kind: 'finished'; readonly reason: 'stop' | 'length'; readonly completionTokens: number };

/** Looks an embedding up by its key; `undefined` when it is not there. */
export type EmbeddingResolver = (key: string) => Promise<ImageEmbedding | undefined>;

/** How busy a decoder is. */
export interface DecoderLoad {
  /** Requests that hold a slot. */
  readonly running: number;
  /** Requests that wait for one. */
  readonly waiting: number;
  readonly slots: number;
  /** Share of the KV memory that running requests need, prompt and longest answer counted; 0 to 1. */
  readonly kvUsage: number;
}

/** The language model: token ids and embeddings in, token ids out. It knows no text. */
export interface Decoder {
  /** Most positions (prompt and completion) of one sequence. */
  readonly maxContext: number;
  /**
   * Runs one generation. Aborting `signal`, or leaving the iteration, frees the sequence's slot within one step.
   *
   * @throws EideticError `context_length_exceeded` (prompt + maxTokens > maxContext), `invalid_request`, `overloaded` (queue
   *   full), `embedding_missing` (listing the keys), `invalid_embedding`, `unavailable` (the engine is stopped),
   *   `deadline_exceeded`, `cancelled`, `inference_failed`.
   */
  generate(request: GenerateRequest, signal?: AbortSignal): AsyncIterable<GenerateEvent>;
}
