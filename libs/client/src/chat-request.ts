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

/** How tokens are chosen and when an answer ends, under the names that the API has for it. Absent: the model's defaults. */
export interface SamplingParameters {
  /** Most tokens of an answer. */
  readonly max_completion_tokens?: number;
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
  /** Goes on past the model's own end. */
  readonly ignore_eos?: boolean;
}

/** What may be asked of a chat beside its messages. */
export interface ChatParameters extends SamplingParameters {
  /** The model that the server serves, if absent. */
  readonly model?: string;
  /** Answers to give: 1 if absent. */
  readonly n?: number;
  readonly logprobs?: boolean;
  /** How many of the likeliest tokens come with each token. */
  readonly top_logprobs?: number;
  readonly response_format?: ResponseFormat;
  /** The answer is a text that this regular expression matches. */
  readonly structured_outputs?: { readonly regex: string };
  /** Lower goes first; 0 if absent. */
  readonly priority?: number;
  /** Taken, and changes nothing, as the three below. */
  readonly user?: string;
  readonly safety_identifier?: string;
  readonly prompt_cache_key?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One turn to answer. */
export interface ChatRequest extends ChatParameters {
  readonly messages: readonly Message[];
}
