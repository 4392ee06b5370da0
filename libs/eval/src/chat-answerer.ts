import type { AnswerToken, ChatService, ContentPart } from '@eidetic/chat';
import { MAX_LOGPROBS } from '@eidetic/core';
import { likeliestChoice } from './likeliest-choice.ts';
import type { AskOptions } from './openai-answerer.ts';
import type { EvalPart } from './question.ts';
import { readPicture } from './read-picture.ts';
import type { Answerer } from './run-eval.ts';

/** Answers with a model in this process, greedily, and with the same prompts as {@link openAiAnswerer}. */
export function chatAnswerer(service: ChatService, { style, maxTokens }: Omit<AskOptions, 'model'>): Answerer {
  return async (question, signal) => {
    const { id, messages, prompt, choices } = question;
    const ranked = style === 'raw' && choices !== undefined;
    const options = {
      requestId: id,
      sampling: { temperature: 0 },
      stop: [],
      ...(ranked ? { maxTokens: 1, logprobs: MAX_LOGPROBS } : { maxTokens }),
    };
    const input =
      style === 'raw' && prompt !== undefined
        ? { prompt: await toContent(prompt) }
        : {
            messages: await Promise.all(
              messages.map(async ({ role, content }) => ({
                role,
                content: await toContent(typeof content === 'string' ? [{ type: 'text', text: content }] : content),
              })),
            ),
          };
    let text = '';
    const tokens: AnswerToken[] = [];
    for await (const event of service.chat({ ...options, ...input }, signal)) {
      if (event.kind !== 'text') continue;
      text += event.text;
      tokens.push(...(event.tokens ?? []));
    }
    const top = tokens[0]?.top.map((token) => [token.text, token.logprob] as const) ?? [];
    return likeliestChoice(choices ?? [], top) ?? text;
  };
}

function toContent(parts: readonly EvalPart[]): Promise<readonly ContentPart[]> {
  return Promise.all(
    parts.map(async (part): Promise<ContentPart> => {
      if (part.type === 'text') return { kind: 'text', text: part.text };
      return { kind: 'image', source: { kind: 'bytes', bytes: await readPicture(part) } };
    }),
  );
}
