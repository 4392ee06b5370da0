import { type GenerateRequest, MAX_LOGPROBS, type PromptSegment } from '@eidetic/core';
import {
  readEmbedding,
  readGrammar,
  refuse,
  shortText,
  toEmbeddingMessage,
  toGrammarMessage,
  within,
} from '@eidetic/messages';
import type {
  GenerateRequest as GenerateRequestMessage,
  ImageSegment,
  PromptSegment as PromptSegmentMessage,
} from '@eidetic/proto';
import { readSampling, toSamplingMessage } from './sampling-message.ts';

/** What a request is checked against. */
export interface RequestLimits {
  /** Token ids are below this. */
  readonly vocab: number;
  /** Numbers of an embedding's row. */
  readonly hidden: number;
}

/** Whether so many fit the context is for the decoder to say. */
const COUNT = { min: 1, max: 2 ** 31 - 1 };

const MAX_SEGMENTS = 4096;
const MAX_STOP_TOKENS = 1024;

const toSegmentMessage = (segment: PromptSegment, inline: ReadonlySet<string>): PromptSegmentMessage => {
  if (segment.kind === 'tokens') return { segment: { $case: 'tokens', value: { ids: segment.ids } } };
  const { key, tokens, embedding } = segment;
  const sent = embedding && inline.has(key) ? toEmbeddingMessage(embedding) : undefined;
  return { segment: { $case: 'image', value: { key, tokens, embedding: sent } } };
};

/** The request as a message; its deadline is the call's. Embeddings go along only under the keys in `inline`. */
export const toRequestMessage = (request: GenerateRequest, inline: ReadonlySet<string>): GenerateRequestMessage => ({
  requestId: request.requestId,
  prompt: request.prompt.map((segment) => toSegmentMessage(segment, inline)),
  sampling: toSamplingMessage(request.sampling),
  maxTokens: request.maxTokens,
  stopTokenIds: request.stopTokenIds,
  logprobs: request.logprobs,
  grammar: request.grammar && toGrammarMessage(request.grammar),
  priority: request.priority ?? 0,
  tenant: request.tenant ?? '',
  answered: request.answered ?? [],
  minTokens: request.minTokens ?? 0,
});

const checkIds = (path: string, ids: readonly number[], vocab: number): void => {
  const wrong = ids.findIndex((id) => id >= vocab);
  if (wrong >= 0) within(`${path}[${wrong}]`, ids[wrong] ?? vocab, { min: 0, max: vocab - 1 });
};

const readImage = (message: ImageSegment, path: string, { hidden }: RequestLimits): PromptSegment => {
  const key = shortText(`${path}.key`, message.key);
  if (!/^\S+$/.test(key)) throw refuse(`${path}.key`, `${JSON.stringify(key)} is empty or has white space`);
  const tokens = within(`${path}.tokens`, message.tokens, COUNT);
  if (!message.embedding) return { kind: 'image', key, tokens };
  const embedding = readEmbedding(message.embedding, `${path}.embedding`, { key, tokens, hidden });
  return { kind: 'image', key, tokens, embedding };
};

const readSegment = ({ segment }: PromptSegmentMessage, path: string, limits: RequestLimits): PromptSegment => {
  switch (segment?.$case) {
    case 'tokens':
      checkIds(`${path}.tokens.ids`, segment.value.ids, limits.vocab);
      return { kind: 'tokens', ids: segment.value.ids };
    case 'image':
      return readImage(segment.value, `${path}.image`, limits);
    case undefined:
      throw refuse(path, 'is neither tokens nor a picture');
  }
};

const readPrompt = (segments: readonly PromptSegmentMessage[], limits: RequestLimits): PromptSegment[] => {
  if (segments.length > MAX_SEGMENTS)
    throw refuse('prompt', `${segments.length} segments are more than ${MAX_SEGMENTS}`);
  const prompt = segments.map((segment, i) => readSegment(segment, `prompt[${i}]`, limits));
  if (prompt.every((segment) => segment.kind === 'tokens' && segment.ids.length === 0))
    throw refuse('prompt', 'is empty');
  return prompt;
};

/** The answer so far; something must be left to generate. */
const readAnswered = (ids: readonly number[], maxTokens: number, vocab: number): readonly number[] => {
  if (ids.length >= maxTokens) throw refuse('answered', `${ids.length} tokens leave none of ${maxTokens} to generate`);
  checkIds('answered', ids, vocab);
  return ids;
};

/**
 * Reads a request.
 *
 * @param deadlineMs of the call, milliseconds since 1970
 * @throws EideticError `invalid_request` that names the field, also as `details.param`; `invalid_embedding`.
 */
export const readRequest = (
  message: GenerateRequestMessage,
  limits: RequestLimits,
  deadlineMs: number | undefined,
): GenerateRequest => {
  const { stopTokenIds, logprobs, grammar, answered, minTokens } = message;
  if (stopTokenIds.length > MAX_STOP_TOKENS) {
    throw refuse('stop_token_ids', `${stopTokenIds.length} ids are more than ${MAX_STOP_TOKENS}`);
  }
  checkIds('stop_token_ids', stopTokenIds, limits.vocab);
  const maxTokens = within('max_tokens', message.maxTokens, COUNT);
  return {
    requestId: shortText('request_id', message.requestId),
    prompt: readPrompt(message.prompt, limits),
    sampling: readSampling(message.sampling, limits.vocab),
    maxTokens,
    stopTokenIds,
    priority: message.priority,
    tenant: shortText('tenant', message.tenant),
    ...(logprobs !== undefined && { logprobs: within('logprobs', logprobs, { min: 0, max: MAX_LOGPROBS }) }),
    ...(grammar && { grammar: readGrammar(grammar) }),
    ...(answered.length > 0 && { answered: readAnswered(answered, maxTokens, limits.vocab) }),
    ...(minTokens > 0 && { minTokens: within('min_tokens', minTokens, { min: 0, max: maxTokens }) }),
    ...(deadlineMs !== undefined && { deadlineMs }),
  };
};
