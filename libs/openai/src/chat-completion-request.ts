import type { ChatMessage, ChatRequest, ContentPart } from '@eidetic/chat';
import { EideticError, type SamplingOptions } from '@eidetic/core';
import { z } from 'zod';
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
  // Parameters that are not served yet are taken where they ask for nothing: clients send such defaults.
  n: z.literal(1).nullish(),
  presence_penalty: z.literal(0, 'not supported; only 0 is accepted').nullish(),
  frequency_penalty: z.literal(0, 'not supported; only 0 is accepted').nullish(),
  logprobs: z.literal(false, 'not supported; only false is accepted').nullish(),
  response_format: z.strictObject({ type: z.literal('text') }).nullish(),
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
  readonly chat: Omit<ChatRequest, 'requestId'>;
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

/**
 * Reads the body of `POST /v1/chat/completions`.
 *
 * @throws EideticError `invalid_request`, `too_many_images`, `unsupported_image_source` or `invalid_image`, with the path
 *   of what is wrong in the message and in `details.param`.
 */
export const parseChatCompletionRequest = (body: unknown, maxImages: number): ChatCompletionRequest => {
  const parsed = validate(schema, body);
  if (parsed.max_tokens != null && parsed.max_completion_tokens != null) {
    throw new EideticError('invalid_request', 'max_tokens: give it or max_completion_tokens, not both.', {
      details: { param: 'max_tokens' },
    });
  }
  if (parsed.stream_options != null && parsed.stream !== true) {
    throw new EideticError('invalid_request', 'stream_options: only allowed when stream is true.', {
      details: { param: 'stream_options' },
    });
  }
  refuseTooManyImages(parsed.messages, maxImages);
  return {
    model: parsed.model,
    stream: parsed.stream ?? false,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    chat: {
      messages: toChatMessages(parsed.messages),
      sampling: given<Partial<SamplingOptions>>({
        temperature: parsed.temperature,
        topP: parsed.top_p,
        topK: parsed.top_k,
        repetitionPenalty: parsed.repetition_penalty,
        seed: parsed.seed,
      }),
      ...given({ maxTokens: parsed.max_completion_tokens ?? parsed.max_tokens }),
      stop: parsed.stop ?? [],
    },
  };
};
