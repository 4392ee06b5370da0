import type { AnswerToken, ChatEvent, ChatTimings, Grounding, ResolvedImage, TokenScore, Usage } from '@eidetic/chat';
import { answerChunks } from './answer-chunks.ts';
import { imagesJson, timingsJson, usageJson } from './answer-json.ts';

/** What every chunk of one answer repeats. */
export interface CompletionHead {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
  /** See {@link systemFingerprint}. */
  readonly system_fingerprint: string | null;
}

const scoreJson = ({ text, logprob, bytes }: TokenScore) => ({
  token: text,
  logprob,
  // A control token adds nothing to the answer.
  bytes: bytes.length === 0 ? null : [...bytes],
});

const logprobsJson = (tokens: readonly AnswerToken[] | undefined) =>
  tokens && {
    content: tokens.map((token) => ({ ...scoreJson(token), top_logprobs: token.top.map(scoreJson) })),
    refusal: null,
  };

/** One answer as far as it has come. */
interface Choice {
  content: string;
  readonly grounding: Grounding[];
  tokens: AnswerToken[] | undefined;
  reason: string;
}

const choiceJson = ({ content, grounding, tokens, reason }: Choice, index: number) => ({
  index,
  message: { role: 'assistant', content, refusal: null, ...(grounding.length > 0 && { grounding }) },
  logprobs: logprobsJson(tokens) ?? null,
  finish_reason: reason,
});

/** How a request is answered. */
export interface AnswerShape {
  /** Answers that the request asked for. */
  readonly choices: number;
  /** Whether it asked for log probabilities. */
  readonly logprobs: boolean;
}

/** Answers in one piece: the `chat.completion` object, with `grounding` and `eidetic` as extensions. */
export const chatCompletion = async (head: CompletionHead, events: AsyncIterable<ChatEvent>, shape: AnswerShape) => {
  let images: readonly ResolvedImage[] = [];
  const choices = Array.from(
    { length: shape.choices },
    (): Choice => ({ content: '', grounding: [], tokens: shape.logprobs ? [] : undefined, reason: '' }),
  );
  let end: { usage: Usage; timings: ChatTimings } | undefined;
  for await (const event of events) {
    if (event.kind === 'started') images = event.images;
    else if (event.kind === 'finished') end = event;
    else addTo(choices[event.choice], event);
  }
  if (end === undefined) throw new Error('The chat service ended without a finished event.');
  return {
    ...head,
    object: 'chat.completion',
    choices: choices.map(choiceJson),
    usage: usageJson(end.usage),
    eidetic: { images: imagesJson(images), timings: timingsJson(end.timings) },
  };
};

const addTo = (choice: Choice | undefined, event: Extract<ChatEvent, { choice: number }>): void => {
  if (choice === undefined) throw new Error(`The chat service gave an answer ${event.choice} that nobody asked for.`);
  if (event.kind === 'grounding') choice.grounding.push(event.grounding);
  else if (event.kind === 'ended') choice.reason = event.reason;
  else {
    choice.content += event.text;
    choice.tokens?.push(...(event.tokens ?? []));
  }
};

/**
 * Answers as `chat.completion.chunk` objects: of each the role, pieces of text, `grounding` where a box was closed, and the finish
 * reason; `eidetic.images` with the first chunk, `eidetic.timings` with the last, and with `includeUsage` one more with the token
 * counts.
 */
export const chatCompletionChunks = (
  head: CompletionHead,
  events: AsyncIterable<ChatEvent>,
  { choices, includeUsage }: Pick<AnswerShape, 'choices'> & { readonly includeUsage: boolean },
): AsyncGenerator<object, void, undefined> => {
  const chunk = (index: number, delta: object, more: { logprobs?: object | undefined; reason?: string } = {}) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index, delta, logprobs: more.logprobs ?? null, finish_reason: more.reason ?? null }],
    ...(includeUsage && { usage: null }),
  });
  return answerChunks(events, {
    *started({ images }: Extract<ChatEvent, { kind: 'started' }>) {
      for (let index = 0; index < choices; index++) {
        const role = chunk(index, { role: 'assistant', content: '' });
        yield index === 0 ? { ...role, eidetic: { images: imagesJson(images) } } : role;
      }
    },
    text: ({ choice, text, tokens }) => chunk(choice, { content: text }, { logprobs: logprobsJson(tokens) }),
    grounding: ({ choice, grounding }) => chunk(choice, { grounding: [grounding] }),
    ended: ({ choice, reason }) => chunk(choice, {}, { reason }),
    usage: includeUsage ? (usage) => ({ ...chunk(0, {}), choices: [], usage: usageJson(usage) }) : undefined,
  });
};
