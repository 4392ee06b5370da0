import type { AnswerToken, ChatTimings, Grounding, ResolvedImage, TokenScore, Usage } from '@eidetic/chat';
import { answerChunks } from './answer-chunks.ts';
import { imagesJson, timingsJson, usageJson } from './answer-json.ts';
import type { CompletionEvent } from './answer-prompts.ts';
import type { CompletionHead } from './chat-completion.ts';

/** OpenAI's older form of log probabilities, a list for each property. */
interface LogprobsJson {
  readonly tokens: string[];
  readonly token_logprobs: number[];
  /** The likeliest tokens, and the one that was taken, by their text. */
  readonly top_logprobs: Record<string, number>[];
  /** Where in the answer's text each token begins, in characters (code points). */
  readonly text_offset: number[];
}

/** A token by its text, or by its bytes where they are a part of a character. */
const tokenName = ({ text, bytes }: TokenScore): string =>
  bytes.length === 0 || Buffer.from(text).equals(bytes)
    ? text
    : `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;

const continues = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Lists tokens piece by piece. */
const createLogprobsLister = () => {
  let begun = 0;
  return (tokens: readonly AnswerToken[]): LogprobsJson => {
    const list: LogprobsJson = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
    for (const token of tokens) {
      const name = tokenName(token);
      const top = token.top.map((each) => [tokenName(each), each.logprob] as const);
      list.tokens.push(name);
      list.token_logprobs.push(token.logprob);
      list.top_logprobs.push(Object.fromEntries([...top, [name, token.logprob]]));
      list.text_offset.push(continues(token.bytes[0]) ? begun - 1 : begun);
      for (const byte of token.bytes) if (!continues(byte)) begun += 1;
    }
    return list;
  };
};

/** How a request is answered. */
export interface CompletionShape {
  readonly prompts: number;
  /** Answers to each of them. */
  readonly choices: number;
  /** Whether it asked for log probabilities. */
  readonly logprobs: boolean;
}

/** One answer as far as it has come. */
interface Choice {
  text: string;
  readonly grounding: Grounding[];
  readonly tokens: AnswerToken[];
  reason: string;
}

const choiceJson = ({ text, grounding, tokens, reason }: Choice, index: number, logprobs: boolean) => ({
  index,
  text,
  logprobs: logprobs ? createLogprobsLister()(tokens) : null,
  finish_reason: reason,
  ...(grounding.length > 0 && { grounding }),
});

const addTo = (choice: Choice | undefined, event: Extract<CompletionEvent, { choice: number }>): void => {
  if (choice === undefined) throw new Error(`The chat service gave an answer ${event.choice} that nobody asked for.`);
  if (event.kind === 'grounding') choice.grounding.push(event.grounding);
  else if (event.kind === 'ended') choice.reason = event.reason;
  else {
    choice.text += event.text;
    choice.tokens.push(...(event.tokens ?? []));
  }
};

/** Answers in one piece: the `text_completion` object, with `grounding` and `eidetic` as extensions. */
export const completion = async (
  head: CompletionHead,
  events: AsyncIterable<CompletionEvent>,
  shape: CompletionShape,
) => {
  const images: (readonly ResolvedImage[])[] = [];
  const choices = Array.from(
    { length: shape.prompts * shape.choices },
    (): Choice => ({ text: '', grounding: [], tokens: [], reason: '' }),
  );
  let end: { readonly usage: Usage; readonly timings: ChatTimings } | undefined;
  for await (const event of events) {
    if (event.kind === 'started') images[event.prompt] = event.images;
    else if (event.kind === 'finished') end = event;
    else addTo(choices[event.choice], event);
  }
  if (end === undefined) throw new Error('The chat service ended without a finished event.');
  return {
    ...head,
    object: 'text_completion',
    choices: choices.map((choice, index) => choiceJson(choice, index, shape.logprobs)),
    usage: usageJson(end.usage),
    eidetic: { images: imagesJson(images.flat()), timings: timingsJson(end.timings) },
  };
};

/**
 * Answers as `text_completion` objects: of each pieces of text, `grounding` where a box was closed, and the finish reason;
 * `eidetic.images` with a chunk of the first answer to the prompt that they are in, `eidetic.timings` with the last, and with
 * `includeUsage` one more with the token counts.
 */
export const completionChunks = (
  head: CompletionHead,
  events: AsyncIterable<CompletionEvent>,
  { choices, logprobs, includeUsage }: CompletionShape & { readonly includeUsage: boolean },
): AsyncGenerator<object, void, undefined> => {
  const listers = new Map<number, ReturnType<typeof createLogprobsLister>>();
  const list = (choice: number, tokens: readonly AnswerToken[]): LogprobsJson => {
    const lister = listers.get(choice) ?? createLogprobsLister();
    listers.set(choice, lister);
    return lister(tokens);
  };
  const frame = { ...head, object: 'text_completion', ...(includeUsage && { usage: null }) };
  const chunk = (index: number, text: string, more: object = {}) => ({
    ...frame,
    choices: [{ index, text, logprobs: null, finish_reason: null, ...more }],
  });
  return answerChunks(events, {
    *started({ prompt, images }: Extract<CompletionEvent, { kind: 'started' }>) {
      yield { ...chunk(prompt * choices, ''), eidetic: { images: imagesJson(images) } };
    },
    text: ({ choice, text, tokens }) =>
      chunk(choice, text, logprobs && tokens ? { logprobs: list(choice, tokens) } : {}),
    grounding: ({ choice, grounding }) => chunk(choice, '', { grounding: [grounding] }),
    ended: ({ choice, reason }) => chunk(choice, '', { finish_reason: reason }),
    usage: includeUsage ? (usage) => ({ ...frame, choices: [], usage: usageJson(usage) }) : undefined,
  });
};
