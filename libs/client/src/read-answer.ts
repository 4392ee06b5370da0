import type {
  AnswerToken,
  ChatAnswer,
  ChatEvent,
  Choice,
  FinishReason,
  Grounding,
  SeenImage,
  Timings,
  TokenScore,
  Usage,
} from './answer.ts';
import { EideticConnectionError } from './errors.ts';

/** What whole answers and chunks have in common, of chats and of completions. */
interface WireHead {
  readonly id: string;
  readonly model: string;
  readonly usage?: Usage | null;
  readonly eidetic?: { readonly images?: readonly SeenImage[]; readonly timings?: Timings };
}

interface WireContent {
  readonly content?: string | null;
  readonly grounding?: readonly Grounding[];
}

/** OpenAI's older form of log probabilities, which completions have. */
interface WireTokenLists {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly number[];
  readonly top_logprobs: readonly Readonly<Record<string, number>>[];
}

/** A choice of a chat has a `message`, one of a chunk a `delta`; what a completion has stands beside them. */
interface WireChoice {
  readonly index: number;
  readonly message?: WireContent;
  readonly delta?: WireContent;
  readonly text?: string;
  readonly grounding?: readonly Grounding[];
  readonly logprobs?: { readonly content?: readonly AnswerToken[] | null } | WireTokenLists | null;
  readonly finish_reason?: FinishReason | null;
}

interface WireAnswer extends WireHead {
  readonly choices: readonly WireChoice[];
}

const contentOf = ({ message, delta, text, grounding }: WireChoice): WireContent =>
  message ?? delta ?? { ...(text !== undefined && { content: text }), ...(grounding && { grounding }) };

/** A token that is a part of a character is written as its bytes: `bytes:\xe4\xb8`. */
const bytesOf = (token: string): number[] =>
  token.startsWith('bytes:')
    ? [...token.matchAll(/\\x([0-9a-f]{2})/g)].map(([, hex = '']) => Number.parseInt(hex, 16))
    : [...new TextEncoder().encode(token)];

const scoreOf = (token: string, logprob: number): TokenScore => ({ token, logprob, bytes: bytesOf(token) });

const tokensOf = ({ logprobs }: WireChoice): readonly AnswerToken[] | undefined => {
  if (!logprobs) return undefined;
  if (!('tokens' in logprobs)) return logprobs.content ?? undefined;
  return logprobs.tokens.map((token, index) => ({
    ...scoreOf(token, logprobs.token_logprobs[index] ?? Number.NEGATIVE_INFINITY),
    top_logprobs: Object.entries(logprobs.top_logprobs[index] ?? {})
      .map(([each, logprob]) => scoreOf(each, logprob))
      .sort((a, b) => b.logprob - a.logprob),
  }));
};

const NO_USAGE: Usage = {
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens: 0,
  prompt_tokens_details: { cached_tokens: 0, image_tokens: 0 },
};
const NO_TIMINGS: Timings = { imagesMs: 0, decoderMs: 0, firstTokenMs: 0, totalMs: 0 };

/** @throws EideticConnectionError `invalid_response` */
const withChoices = (value: unknown): WireAnswer => {
  if (typeof value === 'object' && value !== null && 'choices' in value && Array.isArray(value.choices)) {
    return value as unknown as WireAnswer;
  }
  throw new EideticConnectionError('invalid_response', 'This answer has no choices; is it an Eidetic server?');
};

const answerOf = (head: WireHead, choices: readonly Choice[]): ChatAnswer => {
  const [first] = choices;
  if (first === undefined) throw new EideticConnectionError('invalid_response', 'This answer is empty.');
  return {
    ...first,
    id: head.id,
    model: head.model,
    message: { role: 'assistant', content: first.text },
    choices,
    images: head.eidetic?.images ?? [],
    usage: head.usage ?? NO_USAGE,
    timings: head.eidetic?.timings ?? NO_TIMINGS,
  };
};

/**
 * Reads the answer in one piece.
 *
 * @throws EideticConnectionError `invalid_response`
 */
export const readAnswer = (value: unknown): ChatAnswer => {
  const completion = withChoices(value);
  return answerOf(
    completion,
    completion.choices.map((choice) => {
      const { content, grounding } = contentOf(choice);
      const logprobs = tokensOf(choice);
      const finishReason = choice.finish_reason ?? 'stop';
      return { text: content ?? '', grounding: grounding ?? [], ...(logprobs && { logprobs }), finishReason };
    }),
  );
};

/** One answer as far as it has come. */
interface Draft {
  text: string;
  readonly grounding: Grounding[];
  logprobs?: AnswerToken[];
  finishReason: FinishReason;
}

/**
 * Turns the chunks of a stream into events.
 *
 * @throws EideticConnectionError `invalid_response`
 */
export async function* readChunks(chunks: AsyncIterable<unknown>): AsyncGenerator<ChatEvent, void, undefined> {
  const drafts: Draft[] = [];
  let head: WireHead | undefined;
  for await (const value of chunks) {
    const chunk = withChoices(value);
    if (head === undefined) {
      yield { kind: 'started', id: chunk.id, model: chunk.model, images: chunk.eidetic?.images ?? [] };
    }
    head = {
      id: chunk.id,
      model: chunk.model,
      usage: chunk.usage ?? head?.usage ?? null,
      eidetic: { ...head?.eidetic, ...chunk.eidetic },
    };
    for (const each of chunk.choices) {
      const { index: choice, finish_reason } = each;
      const { content, grounding = [] } = contentOf(each);
      drafts[choice] ??= { text: '', grounding: [], finishReason: 'stop' };
      const draft = drafts[choice];
      if (content) {
        draft.text += content;
        yield { kind: 'text', choice, text: content };
      }
      for (const pointed of grounding) {
        draft.grounding.push(pointed);
        yield { kind: 'grounding', choice, grounding: pointed };
      }
      const tokens = tokensOf(each);
      if (tokens) {
        draft.logprobs = [...(draft.logprobs ?? []), ...tokens];
        yield { kind: 'logprobs', choice, tokens };
      }
      if (finish_reason) {
        draft.finishReason = finish_reason;
        yield { kind: 'ended', choice, finishReason: finish_reason };
      }
    }
  }
  if (head === undefined) throw new EideticConnectionError('invalid_response', 'The stream ended without an answer.');
  yield { kind: 'finished', answer: answerOf(head, drafts) };
}
