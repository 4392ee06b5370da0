import { type ChatOptions, MAX_CHOICES } from '@eidetic/chat';
import type { SamplingOptions } from '@eidetic/core';
import { z } from 'zod';
import { answerGrammar, responseFormat, structuredOutputs } from './answer-grammar.ts';
import { refuse } from './validate.ts';

const stopString = z.string().min(1);

/** Most ids of one `logit_bias`: each is looked at for every token. */
const MAX_BIASES = 1024;
const MAX_PRIORITY = 100;

const logitBias = z
  .record(z.string().regex(/^(0|[1-9]\d{0,8})$/), z.number().min(-100).max(100), {
    error: ({ code }) => (code === 'invalid_key' ? 'expected token ids as keys' : undefined),
  })
  .refine((biases) => Object.keys(biases).length <= MAX_BIASES, `expected at most ${MAX_BIASES} token ids`);

/** A parameter that is known and not served: `null`, which is "not given", is all that it may be. */
export const refused = (problem: string) => z.null(problem).optional();

/** What chat completions and completions have in common. `null` is "not given" there. */
export const GENERATION_FIELDS = {
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().nullish(),
      include_obfuscation: z.literal(false, 'chunks are sent as they are; leave it out').nullish(),
    })
    .nullish(),
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(stopString).max(4).nullish()),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: logitBias.nullish(),
  response_format: responseFormat.nullish(),
  /** Whom the request is for in the caller's own words: it changes nothing. */
  user: z.string().nullish(),
  // Extensions of vLLM, under its names.
  /** -1 and 0 keep all. */
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  // Logits are divided by it or multiplied with it; far beyond these bounds they are no numbers any more.
  repetition_penalty: z.number().min(0.01).max(10).nullish(),
  ignore_eos: z.boolean().nullish(),
  min_tokens: z.int().min(0).nullish(),
  structured_outputs: structuredOutputs.nullish(),
  // Lower goes first, as in vLLM. Bounded: a request that waits counts as more urgent with time, and gets past any of these.
  priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY).nullish(),
};

const generationFields = z.object(GENERATION_FIELDS);

/** The common fields, read. */
export type GenerationFields = z.output<typeof generationFields>;

/** Leaves out what is not given. */
export const given = <T extends object>(
  fields: {
    readonly [K in keyof T]: T[K] | null | undefined;
  },
): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as Partial<T>;

const samplingOf = (fields: GenerationFields): Partial<SamplingOptions> =>
  given<SamplingOptions>({
    temperature: fields.temperature,
    // The smallest set that reaches 0 is the likeliest token, like that which reaches next to nothing.
    topP: fields.top_p === 0 ? Number.MIN_VALUE : fields.top_p,
    topK: fields.top_k == null ? undefined : Math.max(fields.top_k, 0),
    minP: fields.min_p,
    repetitionPenalty: fields.repetition_penalty,
    presencePenalty: fields.presence_penalty,
    frequencyPenalty: fields.frequency_penalty,
    logitBias: fields.logit_bias && new Map(Object.entries(fields.logit_bias).map(([id, bias]) => [Number(id), bias])),
    seed: fields.seed,
  });

/** How an answer is to be made, as far as the common fields say. */
export type GenerationOptions = Pick<
  ChatOptions,
  'sampling' | 'stop' | 'maxTokens' | 'minTokens' | 'choices' | 'grammar' | 'ignoreEos' | 'priority'
>;

/**
 * What the common fields ask for.
 *
 * @throws EideticError `invalid_request` for fields that contradict each other.
 */
export const generationOptions = (fields: GenerationFields): GenerationOptions => {
  if (fields.stream_options != null && fields.stream !== true) {
    throw refuse('stream_options', 'only allowed when stream is true.');
  }
  return {
    sampling: samplingOf(fields),
    stop: fields.stop ?? [],
    ...given<Omit<GenerationOptions, 'sampling' | 'stop'>>({
      maxTokens: fields.max_tokens,
      minTokens: fields.min_tokens,
      choices: fields.n,
      grammar: answerGrammar(fields),
      ignoreEos: fields.ignore_eos,
      // Ours is the other way round: higher goes first. From 0, so that 0 does not become -0.
      priority: fields.priority == null ? undefined : 0 - fields.priority,
    }),
  };
};
