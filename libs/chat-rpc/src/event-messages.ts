import type { AnswerToken, ChatEvent, Grounding, TokenScore } from '@eidetic/chat';
import {
  type AnswerToken as AnswerTokenMessage,
  type ChatResponse,
  FinishReason,
  type Grounding as GroundingMessage,
  type TokenScore as TokenScoreMessage,
} from '@eidetic/proto';

/** What the first message says besides the event. */
export interface ChatHead {
  readonly id: string;
  readonly model: string;
}

type TextEvent = Extract<ChatEvent, { readonly kind: 'text' }>;

const REASONS = { stop: FinishReason.FINISH_REASON_STOP, length: FinishReason.FINISH_REASON_LENGTH } as const;

const toScore = ({ text, bytes, logprob }: TokenScore): TokenScoreMessage => ({ text, utf8: bytes, logprob });

const toToken = (token: AnswerToken): AnswerTokenMessage => ({ token: toScore(token), top: token.top.map(toScore) });

const toGrounding = ({ text, box, quad = [], imageIndex }: Grounding): GroundingMessage => ({
  text,
  box,
  quad: [...quad],
  imageIndex,
});

const toMessage = (event: ChatEvent, head: ChatHead): ChatResponse => {
  switch (event.kind) {
    case 'started': {
      const images = event.images.map((image) => ({ ...image }));
      return { event: { $case: 'started', value: { ...head, images, promptTokens: event.promptTokens } } };
    }
    case 'text': {
      const { choice, text, tokens = [] } = event;
      return { event: { $case: 'text', value: { choice, text, tokens: tokens.map(toToken) } } };
    }
    case 'grounding':
      return {
        event: { $case: 'grounding', value: { choice: event.choice, grounding: toGrounding(event.grounding) } },
      };
    case 'ended':
      return { event: { $case: 'ended', value: { choice: event.choice, reason: REASONS[event.reason] } } };
    case 'finished': {
      const { reason, usage, timings } = event;
      return { event: { $case: 'finished', value: { reason: REASONS[reason], usage, timings } } };
    }
  }
};

const joined = (a: TextEvent, b: TextEvent): TextEvent => {
  const tokens = [...(a.tokens ?? []), ...(b.tokens ?? [])];
  return { ...a, text: a.text + b.text, ...(tokens.length > 0 && { tokens }) };
};

/** Events as messages: pieces of one answer's text that follow one another share one. */
export const toResponseMessages = (events: readonly ChatEvent[], head: ChatHead): ChatResponse[] => {
  const merged: ChatEvent[] = [];
  for (const event of events) {
    const last = merged.at(-1);
    if (event.kind === 'text' && last?.kind === 'text' && last.choice === event.choice) {
      merged[merged.length - 1] = joined(last, event);
    } else {
      merged.push(event);
    }
  }
  return merged.map((event) => toMessage(event, head));
};
