import { type ChatFamily, type Decoder, EideticError, type GenerateEvent, type GenerateRequest } from '@eidetic/core';
import { createAnswerReader } from './answer-reader.ts';
import { toGrounding } from './to-grounding.ts';
import type { AnswerToken, ChatEvent, ResolvedImage } from './types.ts';

/** One answer to give. */
export interface ChoiceRequest {
  /** Its index from 0. */
  readonly choice: number;
  readonly generation: GenerateRequest;
  /** Strings that the answer ends before. */
  readonly stop: readonly string[];
  /** Text that the answer goes on with: a region may begin there. */
  readonly continued: string;
  /** Pictures of the dialog, and which of them regions lie in unless they name another; see `Prompt.picture`. */
  readonly images: readonly ResolvedImage[];
  readonly picture: number;
  /** Called for each generated token, before what it brings is yielded. */
  readonly onToken: () => void;
}

/** What one answer yields: `prefilled` once, text and regions, then `ended` once. */
export type ChoiceEvent =
  | Extract<ChatEvent, { kind: 'text' | 'grounding' | 'ended' }>
  | { readonly kind: 'prefilled'; readonly cachedTokens: number };

/**
 * Gives one answer. Leaving the iteration, or aborting `signal`, stops the work.
 *
 * @throws EideticError what the decoder throws.
 */
export async function* answerChoice(
  request: ChoiceRequest,
  { family, decoder }: { readonly family: ChatFamily; readonly decoder: Decoder },
  signal: AbortSignal,
): AsyncGenerator<ChoiceEvent, void, undefined> {
  const { choice, generation, stop, continued, images, picture } = request;
  const reader = createAnswerReader(family, { stop, continued, minTokens: generation.minTokens ?? 0 });
  let unreported: AnswerToken[] = [];
  const withTokens = (text: string): ChoiceEvent => {
    const tokens = unreported;
    unreported = [];
    return { kind: 'text', choice, text, ...(tokens.length > 0 && { tokens }) };
  };
  function* show(events: ReturnType<typeof reader.end>): Generator<ChoiceEvent, void, undefined> {
    for (const event of events) {
      if (event.kind === 'text') yield withTokens(event.text);
      else {
        const grounding = toGrounding(event.region, images, picture);
        if (grounding !== undefined) yield { kind: 'grounding', choice, grounding };
      }
    }
  }

  let reason: 'stop' | 'length' | undefined;
  for await (const event of decoder.generate(generation, signal)) {
    if (event.kind === 'prefilled') {
      yield { kind: 'prefilled', cachedTokens: event.cachedTokens };
    } else if (event.kind === 'finished') {
      reason = event.reason;
    } else {
      request.onToken();
      if (generation.logprobs !== undefined) unreported.push(answerToken(event, family));
      const { events, stopped } = reader.push(event.id);
      yield* show(events);
      if (stopped) {
        reason = 'stop';
        break;
      }
    }
  }
  if (reason === undefined) throw new EideticError('inference_failed', 'The decoder broke off without a reason.');
  yield* show(reader.end());
  // Tokens without text of their own: half a character, a stop string, control tokens.
  if (unreported.length > 0) yield withTokens('');
  yield { kind: 'ended', choice, reason };
}

function answerToken({ id, logprob, top }: Extract<GenerateEvent, { kind: 'token' }>, family: ChatFamily): AnswerToken {
  if (logprob === undefined || top === undefined) {
    throw new EideticError('inference_failed', 'The decoder was asked for log probabilities and reported none.');
  }
  return {
    ...family.describeToken(id),
    logprob,
    top: top.map((each) => ({ ...family.describeToken(each.id), logprob: each.logprob })),
  };
}
