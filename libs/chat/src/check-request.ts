import { type ChatFamily, EideticError, MAX_LOGPROBS } from '@eidetic/core';
import type { ChatRequest, ContentPart, ImageSource } from './types.ts';

/** Most answers to one request: each takes a slot of the decoder. */
export const MAX_CHOICES = 8;

/** What requests are checked against. */
export interface RequestLimits {
  readonly family: ChatFamily;
  readonly decoder: { readonly maxContext: number };
  readonly facts: { readonly tokensPerImage: number };
  readonly limits: {
    /** Most pictures in one dialog. */
    readonly maxImages: number;
  };
}

/**
 * Refuses what is refused without looking at a picture, and gives the request's pictures.
 *
 * @throws EideticError `invalid_request`, `too_many_images`, `context_length_exceeded`.
 */
export function checkRequest(request: ChatRequest, { family, decoder, facts, limits }: RequestLimits): ImageSource[] {
  if (request.messages !== undefined) family.checkDialog(request.messages);
  checkParameters(request, family.vocabulary);
  const parts = partsOf(request);
  if (request.prompt?.every((part) => part.kind === 'text' && part.text === '')) {
    throw invalid('prompt: there is nothing to go on with. Send at least one character or picture.', 'prompt');
  }
  const sources = parts.flatMap((part) => (part.kind === 'image' ? [part.source] : []));
  if (sources.length > limits.maxImages) {
    throw new EideticError(
      'too_many_images',
      `The dialog has ${sources.length} pictures, but at most ${limits.maxImages} are accepted. Leave some out.`,
      { details: { images: sources.length, maxImages: limits.maxImages, param: inputOf(request) } },
    );
  }
  const text = parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  const atLeast = family.minTokens(text) + sources.length * facts.tokensPerImage;
  if (atLeast >= decoder.maxContext) throw promptTooLong(atLeast, decoder.maxContext, inputOf(request), 'at least ');
  return sources;
}

/** Text and pictures of a request, in order. */
export const partsOf = ({ messages, prompt }: ChatRequest): readonly ContentPart[] =>
  messages?.flatMap(({ content }) => content) ?? prompt ?? [];

/** The field that holds what the model is given. */
const inputOf = ({ messages }: ChatRequest): 'messages' | 'prompt' => (messages === undefined ? 'prompt' : 'messages');

function checkParameters(request: ChatRequest, vocabulary: number): void {
  const { stop, maxTokens, minTokens = 0, choices = 1, logprobs = 0, sampling, grammar, ignoreEos } = request;
  if (stop.includes('')) throw invalid('stop: an empty string would end every answer.', 'stop');
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens > 0)) {
    throw invalid(`maxTokens is ${maxTokens}, but must be a whole number above 0.`, 'maxTokens');
  }
  if (!Number.isInteger(minTokens) || minTokens < 0) {
    throw invalid(`minTokens is ${minTokens}, but must be a whole number from 0.`, 'minTokens');
  }
  if (!Number.isInteger(choices) || choices < 1 || choices > MAX_CHOICES) {
    throw invalid(`choices is ${choices}, but must be a whole number from 1 to ${MAX_CHOICES}.`, 'choices');
  }
  if (!Number.isInteger(logprobs) || logprobs < 0 || logprobs > MAX_LOGPROBS) {
    throw invalid(`logprobs is ${logprobs}, but must be a whole number from 0 to ${MAX_LOGPROBS}.`, 'logprobs');
  }
  for (const id of sampling.logitBias?.keys() ?? []) {
    if (id < vocabulary) continue;
    throw invalid(`logit_bias: there is no token ${id}; ids run from 0 to ${vocabulary - 1}.`, 'logit_bias');
  }
  if (grammar !== undefined && minTokens > 0) {
    const message = 'min_tokens: the answer ends where its grammar does; leave min_tokens or the grammar out.';
    throw invalid(message, 'minTokens');
  }
  if (grammar !== undefined && ignoreEos === true) {
    const message = 'ignore_eos: the answer ends where its grammar does; leave ignore_eos or the grammar out.';
    throw invalid(message, 'ignore_eos');
  }
}

const invalid = (message: string, param: string): EideticError =>
  new EideticError('invalid_request', message, { details: { param } });

/**
 * Tokens that an answer may take: what was asked for, or the default as far as it fits.
 *
 * @throws EideticError `context_length_exceeded`, with the numbers; `invalid_request` when fewer are left than must be.
 */
export function completionBudget(request: ChatRequest, prompt: number, context: number, usual: number): number {
  const asked = request.maxTokens;
  const left = context - prompt;
  if (left < 1) throw promptTooLong(prompt, context, inputOf(request), '');
  const budget = asked ?? Math.min(usual, left);
  const { minTokens = 0 } = request;
  if (minTokens > budget) {
    const message = `The answer is to have at least ${minTokens} tokens, but may have ${budget}. Ask for fewer, or for more in all.`;
    throw invalid(message, 'minTokens');
  }
  if (asked === undefined || asked <= left) return budget;
  throw new EideticError(
    'context_length_exceeded',
    `The prompt takes ${prompt} tokens and the answer may take ${asked}, but the context has ${context}, ` +
      `${asked - left} too few. Ask for at most ${left} tokens, or shorten the prompt.`,
    { details: { promptTokens: prompt, maxTokens: asked, maxContext: context, param: 'maxTokens' } },
  );
}

function promptTooLong(tokens: number, context: number, param: string, bound: string): EideticError {
  return new EideticError(
    'context_length_exceeded',
    `The prompt takes ${bound}${tokens} tokens, ${bound}${tokens - context + 1} more than fit into a context of ${context} ` +
      'with room for an answer. Shorten it, or leave earlier turns or pictures out.',
    { details: { promptTokens: tokens, maxContext: context, param } },
  );
}
