import type { ChatOptions, RawInput } from '@eidetic/chat';
import { EideticError, MAX_LOGPROBS } from '@eidetic/core';
import { z } from 'zod';
import { fieldNames } from './field-names.ts';
import { GENERATION_FIELDS, generationOptions, given, refused } from './generation-fields.ts';
import { rawPrompt } from './raw-prompt.ts';
import { refuse, validate } from './validate.ts';

/** Most answers to one request, to all of its prompts together. */
const MAX_ANSWERS = 32;

/** OpenAI's own; chat completions have none. */
const DEFAULT_MAX_TOKENS = 16;

const PROMPT = 'expected a string or an array of strings; token ids are not taken';

/** https://platform.openai.com/docs/api-reference/completions/create, as {@link parseChatCompletionRequest} does with chats. */
const schema = z.strictObject({
  ...GENERATION_FIELDS,
  prompt: z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(z.string(PROMPT), PROMPT).min(1, 'expected at least one prompt'),
  ),
  logprobs: z.int().min(0).max(MAX_LOGPROBS).nullish(),
  best_of: z.int().min(1).nullish(),
  echo: z.literal(false, 'the answer comes without its prompt; leave it out').nullish(),
  suffix: refused('this model only goes on with a text; leave it out'),
});

/** What the body of `POST /v1/completions` asks for. */
export interface CompletionRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Whether the stream ends with a chunk that has the token counts. */
  readonly includeUsage: boolean;
  /** Each of them gets as many answers as its `choices` say, which is the same for all. */
  readonly prompts: readonly RawInput[];
  readonly options: Omit<ChatOptions, 'requestId'>;
  /** Names of fields, where they have others than a `ChatRequest`'s. */
  readonly fieldNames: Readonly<Record<string, string>>;
}

/** Pictures of a prompt. */
export const countPictures = ({ prompt }: RawInput): number => prompt.filter(({ kind }) => kind === 'image').length;

/** Path of a prompt, as errors name it. */
export const promptPath = (index: number, count: number): string => (count === 1 ? 'prompt' : `prompt[${index}]`);

const refuseTooMuch = (prompts: number, choices: number, pictures: number, maxImages: number): void => {
  if (prompts * choices > MAX_ANSWERS) {
    const answers = `${prompts} prompts with n: ${choices} make ${prompts * choices} answers`;
    throw refuse('prompt', `${answers}; one request may ask for up to ${MAX_ANSWERS}.`);
  }
  if (pictures <= maxImages) return;
  throw new EideticError('too_many_images', `prompt: ${pictures} images; one request may hold up to ${maxImages}.`, {
    details: { param: 'prompt' },
  });
};

/**
 * Reads the body of `POST /v1/completions`.
 *
 * @throws EideticError `invalid_request`, `too_many_images`, `unsupported_image_source` or `invalid_image`, with the path
 *   of what is wrong in the message and in `details.param`.
 */
export const parseCompletionRequest = (body: unknown, maxImages: number): CompletionRequest => {
  const parsed = validate(schema, body);
  if (parsed.best_of != null && parsed.best_of !== (parsed.n ?? 1)) {
    throw refuse('best_of', 'expected the same as n: every answer is sent, none is thrown away.');
  }
  const options = generationOptions(parsed);
  const prompts = parsed.prompt.map((text, index) => ({
    prompt: rawPrompt(text, promptPath(index, parsed.prompt.length)),
  }));
  const pictures = prompts.reduce((sum, prompt) => sum + countPictures(prompt), 0);
  refuseTooMuch(prompts.length, options.choices ?? 1, pictures, maxImages);
  return {
    model: parsed.model,
    stream: parsed.stream ?? false,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    prompts,
    options: {
      maxTokens: DEFAULT_MAX_TOKENS,
      ...options,
      ...given<Pick<ChatOptions, 'logprobs'>>({ logprobs: parsed.logprobs }),
    },
    fieldNames: fieldNames(parsed),
  };
};
