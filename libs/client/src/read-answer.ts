import type {
  AnswerToken,
  ChatAnswer,
  ChatEvent,
  Choice,
  FinishReason,
  Grounding,
  SeenImage,
  Timings,
  Usage,
} from './answer.ts';
import { EideticConnectionError } from './errors.ts';

/** What a `chat.completion` and a `chat.completion.chunk` have in common. */
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

interface WireChoice {
  readonly index: number;
  readonly logprobs?: { readonly content?: readonly AnswerToken[] | null } | null;
  readonly finish_reason?: FinishReason | null;
}

interface WireCompletion extends WireHead {
  readonly choices: readonly (WireChoice & { readonly message: WireContent })[];
}

interface WireChunk extends WireHead {
  readonly choices: readonly (WireChoice & { readonly delta: WireContent })[];
}

const NO_USAGE: Usage = {
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens: 0,
  prompt_tokens_details: { cached_tokens: 0, image_tokens: 0 },
};
const NO_TIMINGS: Timings = { imagesMs: 0, decoderMs: 0, firstTokenMs: 0, totalMs: 0 };

/** @throws EideticConnectionError `invalid_response` */
const withChoices = <T extends WireHead>(value: unknown): T => {
  if (typeof value === 'object' && value !== null && 'choices' in value && Array.isArray(value.choices))
    return value as T;
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
  const completion = withChoices<WireCompletion>(value);
  return answerOf(
    completion,
    completion.choices.map(({ message, logprobs, finish_reason }) => ({
      text: message.content ?? '',
      grounding: message.grounding ?? [],
      ...(logprobs?.content && { logprobs: logprobs.content }),
      finishReason: finish_reason ?? 'stop',
    })),
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
    const chunk = withChoices<WireChunk>(value);
    if (head === undefined) {
      yield { kind: 'started', id: chunk.id, model: chunk.model, images: chunk.eidetic?.images ?? [] };
    }
    head = {
      id: chunk.id,
      model: chunk.model,
      usage: chunk.usage ?? head?.usage ?? null,
      eidetic: { ...head?.eidetic, ...chunk.eidetic },
    };
    for (const { index: choice, delta, logprobs, finish_reason } of chunk.choices) {
      drafts[choice] ??= { text: '', grounding: [], finishReason: 'stop' };
      const draft = drafts[choice];
      if (delta.content) {
        draft.text += delta.content;
        yield { kind: 'text', choice, text: delta.content };
      }
      for (const grounding of delta.grounding ?? []) {
        draft.grounding.push(grounding);
        yield { kind: 'grounding', choice, grounding };
      }
      const tokens = logprobs?.content;
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
