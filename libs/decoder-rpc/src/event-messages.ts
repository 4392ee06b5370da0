import { EideticError, type GenerateEvent } from '@eidetic/core';
import { FinishReason, type GeneratedTokens, type GenerateResponse } from '@eidetic/proto';

type TokenEvent = Extract<GenerateEvent, { readonly kind: 'token' }>;

const REASONS = { stop: FinishReason.FINISH_REASON_STOP, length: FinishReason.FINISH_REASON_LENGTH } as const;

const toTokensMessage = (tokens: readonly TokenEvent[]): GenerateResponse => ({
  event: {
    $case: 'tokens',
    value: {
      ids: tokens.map(({ id }) => id),
      logprobs: tokens.flatMap(({ logprob, top = [] }) => (logprob === undefined ? [] : { logprob, top })),
    },
  },
});

/** Events as messages: tokens that follow one another share one. */
export const toResponseMessages = (events: readonly GenerateEvent[]): GenerateResponse[] => {
  const messages: GenerateResponse[] = [];
  let tokens: TokenEvent[] = [];
  const flush = (): void => {
    if (tokens.length > 0) messages.push(toTokensMessage(tokens));
    tokens = [];
  };
  for (const event of events) {
    if (event.kind === 'token') {
      tokens.push(event);
      continue;
    }
    flush();
    if (event.kind === 'prefilled') {
      const { promptTokens, cachedTokens } = event;
      messages.push({ event: { $case: 'prefilled', value: { promptTokens, cachedTokens } } });
    } else {
      const { reason, completionTokens } = event;
      messages.push({ event: { $case: 'finished', value: { reason: REASONS[reason], completionTokens } } });
    }
  }
  flush();
  return messages;
};

const readTokens = ({ ids, logprobs }: GeneratedTokens): TokenEvent[] =>
  ids.map((id, i) => ({ kind: 'token', id, ...logprobs[i] }));

/**
 * The events of a message; none for events that only later versions know.
 *
 * @throws EideticError `internal` for a generation that ended in a way that is not known.
 */
export const readResponse = ({ event }: GenerateResponse): GenerateEvent[] => {
  switch (event?.$case) {
    case 'prefilled':
      return [{ kind: 'prefilled', ...event.value }];
    case 'tokens':
      return readTokens(event.value);
    case 'finished': {
      const { reason: wire, completionTokens } = event.value;
      const reason = (['stop', 'length'] as const).find((known) => REASONS[known] === wire);
      if (reason) return [{ kind: 'finished', reason, completionTokens }];
      throw new EideticError('internal', `The decoder ended a generation for reason ${wire}, which is not known here.`);
    }
    case undefined:
      return [];
  }
};
