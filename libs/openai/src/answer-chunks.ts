import type { ChatEvent, Usage } from '@eidetic/chat';
import { timingsJson } from './answer-json.ts';

type AnswerEvent = Exclude<ChatEvent, { readonly kind: 'started' }>;
type Of<Kind> = Extract<AnswerEvent, { readonly kind: Kind }>;

/** What an API makes of each event of an answer. */
export interface ChunkForms<Started> {
  readonly started: (event: Started) => Iterable<object>;
  readonly text: (event: Of<'text'>) => object;
  readonly grounding: (event: Of<'grounding'>) => object;
  readonly ended: (event: Of<'ended'>) => object;
  /** The chunk after all others, with the token counts; undefined: nobody asked for it. */
  readonly usage: ((usage: Usage) => object) | undefined;
}

/** The chunks of answers, in the form that an API has them; the last one that ends an answer has `eidetic.timings` too. */
export async function* answerChunks<Started extends { readonly kind: 'started' }>(
  events: AsyncIterable<Started | AnswerEvent>,
  forms: ChunkForms<Started>,
): AsyncGenerator<object, void, undefined> {
  // What ends an answer waits for the next event: only then is it known whether it is the last.
  let ending: object | undefined;
  for await (const event of events) {
    if (ending !== undefined && event.kind !== 'finished') {
      yield ending;
      ending = undefined;
    }
    switch (event.kind) {
      case 'started':
        yield* forms.started(event);
        break;
      case 'text':
        yield forms.text(event);
        break;
      case 'grounding':
        yield forms.grounding(event);
        break;
      case 'ended':
        ending = forms.ended(event);
        break;
      case 'finished':
        yield { ...ending, eidetic: { timings: timingsJson(event.timings) } };
        if (forms.usage !== undefined) yield forms.usage(event.usage);
    }
  }
}
