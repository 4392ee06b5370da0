import type { ChatInput, ChatOptions, ChatService, ContentPart } from '@eidetic/chat';
import { MAX_LOGPROBS } from '@eidetic/core';
import { likeliestChoice, type TokenScores } from './likeliest-choice.ts';
import type { AskOptions } from './openai-answerer.ts';
import { type EvalPart, type EvalQuestion, type PromptStyle, partsOf } from './question.ts';
import { readPicture } from './read-picture.ts';
import type { Answerer } from './run-eval.ts';

/** Answers with a model in this process, greedily, and with the same prompts as {@link openAiAnswerer}. */
export function chatAnswerer(service: ChatService, ask: Omit<AskOptions, 'model'>): Answerer {
  return async (question, signal) => {
    const input = await inputOf(question, ask.style);
    const options = { requestId: question.id, sampling: { temperature: 0 }, stop: [], ...limitsOf(question, ask) };
    let text = '';
    let first: TokenScores | undefined;
    for await (const event of service.chat({ ...options, ...input }, signal)) {
      if (event.kind !== 'text') continue;
      text += event.text;
      first ??= event.tokens?.[0]?.top.map((token) => [token.text, token.logprob]);
    }
    return likeliestChoice(question.choices ?? [], first ?? []) ?? text;
  };
}

type Limits = Pick<ChatOptions, 'maxTokens' | 'minTokens' | 'logprobs'>;

function limitsOf({ choices }: EvalQuestion, { style, maxTokens, minTokens = 0 }: Omit<AskOptions, 'model'>): Limits {
  if (style === 'chat') return { maxTokens };
  return choices === undefined ? { maxTokens, minTokens } : { maxTokens: 1, logprobs: MAX_LOGPROBS };
}

async function inputOf(question: EvalQuestion, style: PromptStyle): Promise<ChatInput> {
  if (style === 'raw') return { prompt: await toContent(partsOf(question, 'raw')) };
  const messages = question.messages.map(async ({ role, content }) => {
    const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;
    return { role, content: await toContent(parts) };
  });
  return { messages: await Promise.all(messages) };
}

function toContent(parts: readonly EvalPart[]): Promise<readonly ContentPart[]> {
  return Promise.all(
    parts.map(async (part): Promise<ContentPart> => {
      if (part.type === 'text') return { kind: 'text', text: part.text };
      return { kind: 'image', source: { kind: 'bytes', bytes: await readPicture(part) } };
    }),
  );
}
