import type { ChatOptions, DialogInput, WireNames } from '@eidetic/chat';
import { EideticError, MAX_LOGPROBS } from '@eidetic/core';
import { z } from 'zod';
import { fieldNames } from './field-names.ts';
import type { FileSources } from './file-sources.ts';
import { GENERATION_FIELDS, generationOptions, given, refused } from './generation-fields.ts';
import { message, picturePaths, toChatMessages } from './message-fields.ts';
import { refuse, validate } from './validate.ts';

const TOOLS = 'this model calls no tools; leave it out';
const FUNCTIONS = 'this model calls no functions; leave it out';

/**
 * https://platform.openai.com/docs/api-reference/chat/create: what is served, what is taken because it cannot change an answer,
 * and what is refused with a reason. What is in none of these lists is refused as unknown.
 */
const schema = z.strictObject({
  ...GENERATION_FIELDS,
  messages: z.array(message).min(1, 'expected at least one message'),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(MAX_LOGPROBS).nullish(),

  metadata: z.record(z.string(), z.string()).nullish(),
  safety_identifier: z.string().nullish(),
  // Prompts that begin alike are found without a key.
  prompt_cache_key: z.string().nullish(),
  store: z.literal(false, 'answers are not stored here; leave it out').nullish(),
  service_tier: z
    .enum(['auto', 'default'], 'expected "auto" or "default": there is one tier, and priority within it')
    .nullish(),
  modalities: z.array(z.literal('text', 'expected "text": this model only writes')).nullish(),
  reasoning_effort: z.literal('none', 'expected "none": this model does not reason').nullish(),

  tools: refused(TOOLS),
  tool_choice: refused(TOOLS),
  parallel_tool_calls: refused(TOOLS),
  functions: refused(FUNCTIONS),
  function_call: refused(FUNCTIONS),
  audio: refused('this model does not speak; leave it out'),
  prediction: refused('predicted answers are not used here; leave it out'),
  prompt_cache_retention: refused('prompts are kept as long as there is room; leave it out'),
  verbosity: refused('say in a message how long the answer should be, or limit it with max_completion_tokens'),
  web_search_options: refused('this model does not search; leave it out'),
});

/** What the body of `POST /v1/chat/completions` asks for. */
export interface ChatCompletionRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Whether the stream ends with a chunk that has the token counts. */
  readonly includeUsage: boolean;
  readonly chat: Omit<ChatOptions, 'requestId'> & DialogInput;
  readonly names: WireNames;
}

const refuseTooManyImages = (count: number, maxImages: number): void => {
  if (count <= maxImages) return;
  throw new EideticError('too_many_images', `messages: ${count} images; one request may hold up to ${maxImages}.`, {
    details: { param: 'messages' },
  });
};

const refuseContradictions = (parsed: z.output<typeof schema>): void => {
  if (parsed.max_tokens != null && parsed.max_completion_tokens != null) {
    throw refuse('max_tokens', 'give it or max_completion_tokens, not both.');
  }
  if (parsed.top_logprobs != null && parsed.logprobs !== true) {
    throw refuse('top_logprobs', 'only allowed when logprobs is true.');
  }
};

/**
 * Reads the body of `POST /v1/chat/completions`.
 *
 * @param files those that the body may name as pictures.
 * @throws EideticError `invalid_request`, `too_many_images`, `unsupported_image_source`, `invalid_image` or `not_found`, with the path
 *   of what is wrong in the message and in `details.param`.
 */
export const parseChatCompletionRequest = (
  body: unknown,
  maxImages: number,
  files: FileSources = new Map(),
): ChatCompletionRequest => {
  const parsed = validate(schema, body);
  refuseContradictions(parsed);
  const options = generationOptions(parsed);
  const pictures = picturePaths(parsed.messages);
  refuseTooManyImages(pictures.length, maxImages);
  const { max_completion_tokens, logprobs, top_logprobs } = parsed;
  const names = fieldNames(parsed);
  return {
    model: parsed.model,
    stream: parsed.stream ?? false,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    chat: {
      messages: toChatMessages(parsed.messages, files),
      ...options,
      ...given<Pick<ChatOptions, 'maxTokens' | 'logprobs'>>({
        maxTokens: max_completion_tokens ?? options.maxTokens,
        logprobs: logprobs ? (top_logprobs ?? 0) : undefined,
      }),
    },
    names: {
      fields: max_completion_tokens == null ? names : { ...names, maxTokens: 'max_completion_tokens' },
      pictures,
    },
  };
};
