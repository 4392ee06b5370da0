import { EideticError } from '@eidetic/core';
import { z } from 'zod';
import { likeliestChoice } from './likeliest-choice.ts';
import { mediaTypeOf } from './media-type.ts';
import { type EvalMessage, type EvalPicture, type EvalQuestion, type PromptStyle, partsOf } from './question.ts';
import { readPicture } from './read-picture.ts';
import type { Answerer } from './run-eval.ts';

/** A server that speaks OpenAI's chat completions, and for raw prompts its completions. */
export interface OpenAiServer {
  /** Such as `http://localhost:8080/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  /** Most milliseconds that one answer may take. */
  readonly timeoutMs: number;
}

/** How a server is asked. */
export interface AskOptions {
  /** Name of the model. */
  readonly model: string;
  readonly style: PromptStyle;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
  /** Fewest tokens that a raw text is gone on with, under vLLM's name `min_tokens`; absent: as many as come. */
  readonly minTokens?: number;
}

/** Most tokens that OpenAI's API and those like it tell log probabilities of. */
const LOGPROBS = 20;

const chatSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
});

const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        text: z.string(),
        logprobs: z.object({ top_logprobs: z.array(z.record(z.string(), z.number())).nullish() }).nullish(),
      }),
    )
    .min(1),
});

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });

/**
 * Answers with a server, greedily. Pictures are sent as data URIs: in the parts of a message, or in a raw prompt as `<img>URI</img>`, which
 * is how Eidetic takes them. A raw question with choices is answered with the one whose token is the likeliest.
 */
export function openAiAnswerer(server: OpenAiServer, { model, style, maxTokens, minTokens = 0 }: AskOptions): Answerer {
  const ask = async <T>(path: string, body: object, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(server.timeoutMs)]);
    const reply = await call(server, path, { method: 'POST', body: JSON.stringify(body), signal: limit });
    return parse(schema, reply, server);
  };
  const greedy = { model, temperature: 0 };
  return async (question, signal) => {
    if (style === 'chat') {
      const messages = await Promise.all(question.messages.map(toOpenAi));
      const body = { ...greedy, max_tokens: maxTokens, messages };
      const { choices } = await ask('chat/completions', body, chatSchema, signal);
      return choices[0]?.message.content ?? '';
    }
    const prompt = await rawPrompt(question);
    const { choices } = question;
    const limits =
      choices === undefined
        ? { max_tokens: maxTokens, ...(minTokens > 0 && { min_tokens: minTokens }) }
        : { max_tokens: 1, logprobs: LOGPROBS };
    const { choices: answers } = await ask('completions', { ...greedy, ...limits, prompt }, completionSchema, signal);
    const [answer] = answers;
    const tokens = Object.entries(answer?.logprobs?.top_logprobs?.[0] ?? {});
    return likeliestChoice(choices ?? [], tokens) ?? answer?.text ?? '';
  };
}

/**
 * Name of the first model that a server lists.
 *
 * @throws EideticError `unavailable` when the server cannot be reached or does not list a model.
 */
export async function firstModel(server: OpenAiServer): Promise<string> {
  const reply = await call(server, 'models', { signal: AbortSignal.timeout(server.timeoutMs) });
  return parse(modelsSchema, reply, server).data[0]?.id ?? '';
}

async function call({ baseUrl, apiKey }: OpenAiServer, path: string, init: RequestInit): Promise<unknown> {
  const url = `${baseUrl.replace(/\/+$/, '')}/${path}`;
  const headers = {
    'content-type': 'application/json',
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  const response = await fetch(url, { ...init, headers }).catch((cause: unknown) => {
    if (init.signal?.aborted) throw EideticError.from(init.signal.reason);
    throw new EideticError('unavailable', `${url} cannot be reached. Is the server running?`, { cause });
  });
  const text = await response.text();
  if (!response.ok) throw new EideticError('unavailable', `${url} answered ${response.status}: ${text.slice(0, 500)}`);
  return parseJson(text, url);
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EideticError('unavailable', `${url} answered something else than JSON: ${text.slice(0, 200)}`, { cause });
  }
}

function parse<T>(schema: z.ZodType<T>, reply: unknown, { baseUrl }: OpenAiServer): T {
  const result = schema.safeParse(reply);
  if (result.success) return result.data;
  const message = `${baseUrl} does not answer like an OpenAI server: ${z.prettifyError(result.error)}`;
  throw new EideticError('unavailable', message);
}

async function toOpenAi({ role, content }: EvalMessage): Promise<object> {
  if (typeof content === 'string') return { role, content };
  const parts = content.map(async (part) => {
    if (part.type === 'text') return part;
    return { type: 'image_url', image_url: { url: await dataUri(part) } };
  });
  return { role, content: await Promise.all(parts) };
}

async function rawPrompt(question: EvalQuestion): Promise<string> {
  const parts = partsOf(question, 'raw').map(async (part) =>
    part.type === 'text' ? part.text : `<img>${await dataUri(part)}</img>`,
  );
  return (await Promise.all(parts)).join('');
}

async function dataUri(picture: EvalPicture): Promise<string> {
  const bytes = await readPicture(picture);
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === undefined) {
    const name = 'image' in picture ? picture.image : 'A picture of the data set';
    throw new EideticError('invalid_request', `${name} is no JPEG, PNG, WebP or GIF file.`);
  }
  return `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`;
}
