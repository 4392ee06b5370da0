import { type ChatEvent, type ChatTimings, merge, type ResolvedImage, type Usage } from '@eidetic/chat';

/** What answers to several prompts yield: those of each as a chat's, choices and pictures counted over all; one end for all. */
export type CompletionEvent =
  | { readonly kind: 'started'; readonly prompt: number; readonly images: readonly ResolvedImage[] }
  | Exclude<ChatEvent, { kind: 'started' }>;

/** One of several prompts. */
export interface PromptAnswer {
  /** Begins to answer; the signal says that the answers to the others are not wanted any more. */
  readonly begin: (signal: AbortSignal) => AsyncIterable<ChatEvent>;
  /** Pictures in the prompts before it. */
  readonly picturesBefore: number;
}

type End = Extract<ChatEvent, { kind: 'finished' }>;

async function* renumbered(
  { begin, picturesBefore }: PromptAnswer,
  prompt: number,
  choices: number,
  signal: AbortSignal,
): AsyncGenerator<CompletionEvent, void, undefined> {
  for await (const event of begin(signal)) {
    if (event.kind === 'started') yield { kind: 'started', prompt, images: event.images };
    else if (event.kind === 'finished') yield event;
    else if (event.kind !== 'grounding') yield { ...event, choice: event.choice + prompt * choices };
    else {
      const { grounding } = event;
      const imageIndex = grounding.imageIndex + picturesBefore;
      yield { ...event, choice: event.choice + prompt * choices, grounding: { ...grounding, imageIndex } };
    }
  }
}

const addUsage = (a: Usage, b: Usage): Usage => ({
  promptTokens: a.promptTokens + b.promptTokens,
  imageTokens: a.imageTokens + b.imageTokens,
  cachedTokens: a.cachedTokens + b.cachedTokens,
  completionTokens: a.completionTokens + b.completionTokens,
});

/** Of answers that were given side by side. */
const joinTimings = (a: ChatTimings, b: ChatTimings): ChatTimings => ({
  imagesMs: Math.max(a.imagesMs, b.imagesMs),
  decoderMs: Math.max(a.decoderMs, b.decoderMs),
  firstTokenMs: Math.min(a.firstTokenMs, b.firstTokenMs),
  totalMs: Math.max(a.totalMs, b.totalMs),
});

const joinEnds = (a: End, b: End): End => ({
  kind: 'finished',
  reason: a.reason === 'length' ? a.reason : b.reason,
  usage: addUsage(a.usage, b.usage),
  timings: joinTimings(a.timings, b.timings),
});

/**
 * Answers several prompts side by side, each with so many choices.
 *
 * @throws what the first answer to fail throws; the others end.
 */
export async function* answerPrompts(
  prompts: readonly PromptAnswer[],
  choices: number,
): AsyncGenerator<CompletionEvent, void, undefined> {
  let end: End | undefined;
  const events = merge((signal) => prompts.map((each, index) => renumbered(each, index, choices, signal)));
  for await (const event of events) {
    if (event.kind === 'finished') end = end === undefined ? event : joinEnds(end, event);
    else yield event;
  }
  if (end !== undefined) yield end;
}
