import type { ChatEvent, ChatTimings, Grounding, ResolvedImage, Usage } from '@eidetic/chat';

/** What every chunk of one answer repeats. */
export interface CompletionHead {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
}

const usageJson = (usage: Usage) => ({
  prompt_tokens: usage.promptTokens,
  completion_tokens: usage.completionTokens,
  total_tokens: usage.promptTokens + usage.completionTokens,
  prompt_tokens_details: { cached_tokens: usage.cachedTokens, image_tokens: usage.imageTokens },
});

const imagesJson = (images: readonly ResolvedImage[]) =>
  images.map(({ imageId, width, height, cached }) => ({ id: imageId, width, height, cached }));

const tenths = (ms: number): number => Math.round(ms * 10) / 10;

const timingsJson = ({ imagesMs, firstTokenMs, totalMs }: ChatTimings): ChatTimings => ({
  imagesMs: tenths(imagesMs),
  firstTokenMs: tenths(firstTokenMs),
  totalMs: tenths(totalMs),
});

/** An answer in one piece: the `chat.completion` object, with `grounding` and `eidetic` as extensions. */
export const chatCompletion = async (head: CompletionHead, events: AsyncIterable<ChatEvent>) => {
  let images: readonly ResolvedImage[] = [];
  let content = '';
  const grounding: Grounding[] = [];
  let end: { reason: string; usage: Usage; timings: ChatTimings } | undefined;
  for await (const event of events) {
    if (event.kind === 'started') images = event.images;
    else if (event.kind === 'text') content += event.text;
    else if (event.kind === 'grounding') grounding.push(event.grounding);
    else end = event;
  }
  if (end === undefined) throw new Error('The chat service ended without a finished event.');
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null, ...(grounding.length > 0 && { grounding }) },
        logprobs: null,
        finish_reason: end.reason,
      },
    ],
    usage: usageJson(end.usage),
    eidetic: { images: imagesJson(images), timings: timingsJson(end.timings) },
  };
};

/**
 * An answer as `chat.completion.chunk` objects: the role and `eidetic.images`, pieces of text, `grounding` where a box was
 * closed, the finish reason and `eidetic.timings`, and with `includeUsage` one more with the token counts.
 */
export async function* chatCompletionChunks(
  head: CompletionHead,
  events: AsyncIterable<ChatEvent>,
  includeUsage: boolean,
): AsyncGenerator<object, void, undefined> {
  const chunk = (delta: object, finishReason: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...(includeUsage && { usage: null }),
  });
  for await (const event of events) {
    switch (event.kind) {
      case 'started':
        yield { ...chunk({ role: 'assistant', content: '' }), eidetic: { images: imagesJson(event.images) } };
        break;
      case 'text':
        yield chunk({ content: event.text });
        break;
      case 'grounding':
        yield chunk({ grounding: [event.grounding] });
        break;
      case 'finished':
        yield { ...chunk({}, event.reason), eidetic: { timings: timingsJson(event.timings) } };
        if (includeUsage) yield { ...chunk({}), choices: [], usage: usageJson(event.usage) };
    }
  }
}
