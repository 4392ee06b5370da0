import type { Message } from './messages.ts';

/** Holds an answer to a format. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly json_schema: {
        readonly name: string;
        readonly description?: string;
        readonly schema: Readonly<Record<string, unknown>>;
        readonly strict?: boolean;
      };
    };

/**
 * What chats and completions may be asked for alike, under the names that the API has for it: how tokens are chosen, and when an
 * answer ends. Absent: the model's defaults.
 */
export interface GenerationParameters {
  /** The model that the server serves, if absent. */
  readonly model?: string;
  /** Answers to give: 1 if absent. */
  readonly n?: number;
  /** 0 takes the likeliest token; up to 2. */
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly min_p?: number;
  readonly repetition_penalty?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  /** Added to the logits of tokens, by id: from -100 to 100. */
  readonly logit_bias?: Readonly<Record<string, number>>;
  /** The same seed gives the same answer. */
  readonly seed?: number;
  /** The answer ends before the first of these. */
  readonly stop?: string | readonly string[];
  /** Nothing ends an answer before it has as many tokens. */
  readonly min_tokens?: number;
  /** Goes on past the model's own end. */
  readonly ignore_eos?: boolean;
  readonly response_format?: ResponseFormat;
  /** The answer is a text that a regular expression matches, one of some texts, or JSON of a schema. */
  readonly structured_outputs?:
    | { readonly regex: string }
    | { readonly choice: readonly string[] }
    | { readonly json: object };
  /** Lower goes first; 0 if absent. */
  readonly priority?: number;
  /** Taken, and changes nothing. */
  readonly user?: string;
}

/** What may be asked of a chat beside its messages. */
export interface ChatParameters extends GenerationParameters {
  /** Most tokens of an answer. */
  readonly max_completion_tokens?: number;
  readonly logprobs?: boolean;
  /** How many of the likeliest tokens come with each token. */
  readonly top_logprobs?: number;
  /** Taken, and changes nothing, as the two below. */
  readonly safety_identifier?: string;
  readonly prompt_cache_key?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One turn to answer. */
export interface ChatRequest extends ChatParameters {
  readonly messages: readonly Message[];
}

/** A text to go on with, without a dialog around it. */
export interface CompletionRequest extends GenerationParameters {
  /** May have pictures, as `<img>address</img>`. */
  readonly prompt: string;
  /** Most tokens of an answer: 16 if absent. */
  readonly max_tokens?: number;
  /** How many of the likeliest tokens come with each token; absent: no log probabilities. */
  readonly logprobs?: number;
}
