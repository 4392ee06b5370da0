import { type ChatMessage, type ChatOptions, type ContentPart, type DialogInput, MAX_CHOICES } from '@eidetic/chat';
import { EideticError, MAX_LOGPROBS, type SamplingOptions } from '@eidetic/core';
import { z } from 'zod';
import { answerGrammar, responseFormat, structuredOutputs } from './answer-grammar.ts';
import { imageSource } from './image-source.ts';
import { validate } from './validate.ts';

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  // Every picture is seen at the model's one resolution: another `detail` cannot be honoured.
  image_url: z.strictObject({ url: z.string(), detail: z.literal('auto').optional() }),
});

const content = <P extends z.ZodType>(part: P) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? [{ type: 'text', text: value }] : value),
    z.array(part, 'expected a string or an array of parts').min(1, 'expected at least one part'),
  );
const text = content(textPart);

const message = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.enum(['system', 'developer']), content: text }),
    z.strictObject({
      role: z.literal('user'),
      content: content(
        z.discriminatedUnion('type', [textPart, imagePart], {
          error: ({ code }) => (code === 'invalid_union' ? 'expected "text" or "image_url"' : undefined),
        }),
      ),
    }),
    // The last two are in our own answers, which clients send back as history; the text alone has the boxes.
    z.strictObject({
      role: z.literal('assistant'),
      content: text,
      refusal: z.null().optional(),
      grounding: z.unknown().optional(),
    }),
  ],
  { error: ({ code }) => (code === 'invalid_union' ? 'expected "system", "user" or "assistant"' : undefined) },
);

const stopString = z.string().min(1);

/** Most ids of one `logit_bias`: each is looked at for every token. */
const MAX_BIASES = 1024;
const MAX_PRIORITY = 100;

const logitBias = z
  .record(z.string().regex(/^(0|[1-9]\d{0,8})$/), z.number().min(-100).max(100), {
    error: ({ code }) => (code === 'invalid_key' ? 'expected token ids as keys' : undefined),
  })
  .refine((biases) => Object.keys(biases).length <= MAX_BIASES, `expected at most ${MAX_BIASES} token ids`);

/** https://platform.openai.com/docs/api-reference/chat/create, as far as it is served. `null` is "not given" there. */
const schema = z.strictObject({
  model: z.string(),
  messages: z.array(message).min(1, 'expected at least one message'),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  // Logits are divided by it or multiplied with it; far beyond these bounds they are no numbers any more.
  repetition_penalty: z.number().min(0.01).max(10).nullish(),
  seed: z.int().nullish(),
  stop: z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(stopString).min(1).max(4).nullish(),
  ),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: logitBias.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(MAX_LOGPROBS).nullish(),
  response_format: responseFormat.nullish(),
  // Extensions of vLLM, under its names.
  min_p: z.number().min(0).max(1).nullish(),
  ignore_eos: z.boolean().nullish(),
  structured_outputs: structuredOutputs.nullish(),
  // Lower goes first, as in vLLM. Bounded: a request that waits counts as more urgent with time, and gets past any of these.
  priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY).nullish(),
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});

type Message = z.output<typeof message>;

/** What the body of `POST /v1/chat/completions` asks for. */
export interface ChatCompletionRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Whether the stream ends with a chunk that has the token counts. */
  readonly includeUsage: boolean;
  readonly chat: Omit<ChatOptions, 'requestId'> & DialogInput;
}

const given = <T extends object>(fields: { readonly [K in keyof T]: T[K] | null | undefined }): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as Partial<T>;

const toChatMessages = (messages: readonly Message[]): ChatMessage[] =>
  messages.map(({ role, content: parts }, i) => ({
    role: role === 'developer' ? 'system' : role,
    content: parts.map(
      (part, j): ContentPart =>
        part.type === 'text'
          ? { kind: 'text', text: part.text }
          : { kind: 'image', source: imageSource(part.image_url.url, `messages[${i}].content[${j}].image_url.url`) },
    ),
  }));

const refuseTooManyImages = (messages: readonly Message[], maxImages: number): void => {
  const count = messages.flatMap(({ content: parts }) => parts.filter(({ type }) => type === 'image_url')).length;
  if (count <= maxImages) return;
  throw new EideticError('too_many_images', `messages: ${count} images; one request may hold up to ${maxImages}.`, {
    details: { param: 'messages' },
  });
};

const refuseContradictions = (parsed: z.output<typeof schema>): void => {
  const refuse = (param: string, problem: string): EideticError =>
    new EideticError('invalid_request', `${param}: ${problem}`, { details: { param } });
  if (parsed.max_tokens != null && parsed.max_completion_tokens != null) {
    throw refuse('max_tokens', 'give it or max_completion_tokens, not both.');
  }
  if (parsed.stream_options != null && parsed.stream !== true) {
    throw refuse('stream_options', 'only allowed when stream is true.');
  }
  if (parsed.top_logprobs != null && parsed.logprobs !== true) {
    throw refuse('top_logprobs', 'only allowed when logprobs is true.');
  }
};

const samplingOf = (parsed: z.output<typeof schema>): Partial<SamplingOptions> =>
  given<SamplingOptions>({
    temperature: parsed.temperature,
    topP: parsed.top_p,
    topK: parsed.top_k,
    minP: parsed.min_p,
    repetitionPenalty: parsed.repetition_penalty,
    presencePenalty: parsed.presence_penalty,
    frequencyPenalty: parsed.frequency_penalty,
    logitBias: parsed.logit_bias && new Map(Object.entries(parsed.logit_bias).map(([id, bias]) => [Number(id), bias])),
    seed: parsed.seed,
  });

/**
 * Reads the body of `POST /v1/chat/completions`.
 *
 * @throws EideticError `invalid_request`, `too_many_images`, `unsupported_image_source` or `invalid_image`, with the path
 *   of what is wrong in the message and in `details.param`.
 */
export const parseChatCompletionRequest = (body: unknown, maxImages: number): ChatCompletionRequest => {
  const parsed = validate(schema, body);
  refuseContradictions(parsed);
  refuseTooManyImages(parsed.messages, maxImages);
  return {
    model: parsed.model,
    stream: parsed.stream ?? false,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    chat: {
      messages: toChatMessages(parsed.messages),
      sampling: samplingOf(parsed),
      stop: parsed.stop ?? [],
      ...given<Pick<ChatOptions, 'maxTokens' | 'choices' | 'logprobs' | 'grammar' | 'ignoreEos' | 'priority'>>({
        maxTokens: parsed.max_completion_tokens ?? parsed.max_tokens,
        choices: parsed.n,
        logprobs: parsed.logprobs ? (parsed.top_logprobs ?? 0) : undefined,
        grammar: answerGrammar(parsed),
        ignoreEos: parsed.ignore_eos,
        // Ours is the other way round: higher goes first. From 0, so that 0 does not become -0.
        priority: parsed.priority == null ? undefined : 0 - parsed.priority,
      }),
    },
  };
};
