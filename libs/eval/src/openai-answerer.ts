import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { EideticError } from '@eidetic/core';
import { z } from 'zod';
import type { EvalMessage } from './question.ts';
import type { Answerer } from './run-eval.ts';

/** A server that speaks OpenAI's chat completions. */
export interface OpenAiServer {
  /** Such as `http://localhost:8080/v1`. */
  readonly baseUrl: string;
  /** Name of the model; absent: the first that the server lists. */
  readonly model?: string;
  readonly apiKey?: string;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
  /** Most milliseconds that one answer may take. */
  readonly timeoutMs: number;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
};

const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
});

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });

/**
 * Answers with a server, greedily. Pictures are sent as data URIs.
 *
 * @throws EideticError `unavailable` when the server cannot be reached or does not list a model.
 */
export async function openAiAnswerer(server: OpenAiServer): Promise<Answerer> {
  const model = server.model ?? (await firstModel(server));
  return async ({ messages }, signal) => {
    const body = {
      model,
      messages: await Promise.all(messages.map(toOpenAi)),
      temperature: 0,
      max_tokens: server.maxTokens,
    };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(server.timeoutMs)]);
    const reply = await call(server, 'chat/completions', { method: 'POST', body: JSON.stringify(body), signal: limit });
    const { choices } = parse(completionSchema, reply, server);
    return choices[0]?.message.content ?? '';
  };
}

async function firstModel(server: OpenAiServer): Promise<string> {
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
    return { type: 'image_url', image_url: { url: await dataUri(part.image) } };
  });
  return { role, content: await Promise.all(parts) };
}

async function dataUri(path: string): Promise<string> {
  const mediaType = MEDIA_TYPES[extname(path).toLowerCase()];
  if (mediaType === undefined) {
    throw new EideticError('invalid_request', `${path}: pictures end in ${Object.keys(MEDIA_TYPES).join(', ')}.`);
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new EideticError('invalid_request', `The picture ${path} cannot be read.`, { cause });
  });
  return `data:${mediaType};base64,${bytes.toString('base64')}`;
}
