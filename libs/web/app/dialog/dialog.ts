import type { ChatEvent, Grounding, SeenImage, Timings, Usage } from '@eidetic/client';
import type { Failure } from './failure.ts';

/** A picture of the dialog. */
export interface Picture {
  /** Tells pictures of the page apart. */
  readonly key: string;
  readonly name: string;
  /** What the page shows: an object URL, or the picture's own address. */
  readonly src: string;
  /** Its bytes; undefined for a picture that the server fetches from `src`. */
  readonly blob?: Blob;
  /** In pixels; of an address known once the page or the server has seen it. */
  readonly width?: number;
  readonly height?: number;
  /** Which example of the page it is. */
  readonly example?: string;
  /** Under which id the server has it; undefined before it has seen it. */
  readonly imageId?: string;
}

/** What has come of an answer. */
export interface Answer {
  readonly state: 'waiting' | 'growing' | 'done' | 'stopped' | 'failed';
  /** As the model wrote it, tags included. */
  readonly raw: string;
  readonly groundings: readonly Grounding[];
  /** All pictures of the request, in the order of the dialog. */
  readonly images: readonly SeenImage[];
  readonly usage?: Usage;
  readonly timings?: Timings;
  /** Whether it ended at the length limit. */
  readonly cutOff?: boolean;
  readonly failure?: Failure;
}

/** A question with the pictures it brought, and its answer. */
export interface Turn {
  readonly id: number;
  readonly question: string;
  readonly pictures: readonly Picture[];
  readonly answer: Answer;
}

/** A dialog and what of it is in view. */
export interface Dialog {
  readonly turns: readonly Turn[];
  /** Pictures for the next question. */
  readonly pending: readonly Picture[];
  /** Index, over all pictures, of the one in view. */
  readonly shown: number;
  /** Id of the turn whose boxes are drawn: the latest with boxes, or the one that was pointed at since. */
  readonly focused?: number;
  /** Index of the box that is set off, among those of the focused turn. */
  readonly highlighted?: number;
}

/** What happens to a dialog. */
export type DialogAction =
  | { readonly type: 'pictureAdded'; readonly picture: Picture }
  | { readonly type: 'pictureMeasured'; readonly key: string; readonly width: number; readonly height: number }
  | { readonly type: 'pictureRemoved'; readonly key: string }
  | { readonly type: 'pictureShown'; readonly index: number }
  | { readonly type: 'asked'; readonly question: string }
  /** The last question once more, perhaps in other words. */
  | { readonly type: 'askedAgain'; readonly question?: string }
  | { readonly type: 'eventArrived'; readonly event: ChatEvent }
  /** The server no longer knows the pictures by their ids. */
  | { readonly type: 'picturesForgotten' }
  | { readonly type: 'answerStopped' }
  | { readonly type: 'answerFailed'; readonly failure: Failure }
  /** Words or a box are pointed at; left if `grounding` is undefined. */
  | { readonly type: 'pointed'; readonly turn: number; readonly grounding: number | undefined }
  | { readonly type: 'restarted' };

const NEW_ANSWER: Answer = { state: 'waiting', raw: '', groundings: [], images: [] };

/** A dialog without a word. */
export const EMPTY_DIALOG: Dialog = { turns: [], pending: [], shown: 0 };

/** All pictures that the turns brought, in the order in which a request names them. */
export const picturesOf = (turns: readonly Turn[]): readonly Picture[] => turns.flatMap(({ pictures }) => pictures);

/** All pictures of a dialog, those of the next question included. */
export const allPictures = ({ turns, pending }: Dialog): readonly Picture[] => [...picturesOf(turns), ...pending];

/** Whether an answer is on its way. */
export const isRunning = ({ turns }: Dialog): boolean =>
  ['waiting', 'growing'].includes(turns.at(-1)?.answer.state ?? '');

/** Index of the first turn since the last answer, of which there is at least a beginning. */
const firstUnanswered = ({ turns }: Dialog): number => turns.findLastIndex(({ answer }) => answer.raw !== '') + 1;

/** Whether the pictures of a turn may go: no answer has been about them, nor is one on its way. */
export const isRemovable = (dialog: Dialog, turn: Turn): boolean =>
  !isRunning(dialog) && dialog.turns.indexOf(turn) >= firstUnanswered(dialog);

/** Tokens per second after the first; undefined where there is nothing to measure. */
export const tokensPerSecond = ({ usage, timings }: Answer): number | undefined => {
  if (!usage || !timings || usage.completion_tokens < 2 || timings.totalMs <= timings.firstTokenMs) return undefined;
  return ((usage.completion_tokens - 1) * 1000) / (timings.totalMs - timings.firstTokenMs);
};

const mapPictures = (dialog: Dialog, change: (picture: Picture, index: number) => Picture): Dialog => {
  let index = 0;
  const next = (picture: Picture): Picture => change(picture, index++);
  const turns = dialog.turns.map((turn) => ({ ...turn, pictures: turn.pictures.map(next) }));
  return { ...dialog, turns, pending: dialog.pending.map(next) };
};

const changeLast = (dialog: Dialog, change: (turn: Turn) => Partial<Turn>): Dialog => {
  const last = dialog.turns.at(-1);
  return last ? { ...dialog, turns: [...dialog.turns.slice(0, -1), { ...last, ...change(last) }] } : dialog;
};

const changeAnswer = (dialog: Dialog, change: (answer: Answer) => Partial<Answer>): Dialog =>
  changeLast(dialog, ({ answer }) => ({ answer: { ...answer, ...change(answer) } }));

const withoutHighlight = ({ highlighted: _, ...dialog }: Dialog): Dialog => dialog;

const withEvent = (dialog: Dialog, event: ChatEvent): Dialog => {
  switch (event.kind) {
    case 'started': {
      const started = changeAnswer(dialog, () => ({ images: event.images }));
      return mapPictures(started, (picture, index) => {
        const seen = event.images[index];
        return seen ? { ...picture, imageId: seen.id, width: seen.width, height: seen.height } : picture;
      });
    }
    case 'text':
      return changeAnswer(dialog, ({ raw }) => ({ state: 'growing', raw: raw + event.text }));
    case 'grounding': {
      const last = dialog.turns.at(-1);
      return {
        ...changeAnswer(dialog, ({ groundings }) => ({ groundings: [...groundings, event.grounding] })),
        ...(last && { focused: last.id }),
        shown: event.grounding.imageIndex,
      };
    }
    case 'ended':
      return changeAnswer(dialog, () => ({ cutOff: event.finishReason === 'length' }));
    case 'finished': {
      const { usage, timings } = event.answer;
      return changeAnswer(dialog, () => ({ state: 'done', usage, timings }));
    }
    default:
      return dialog;
  }
};

/** The dialog after something has happened to it. */
export const reduceDialog = (dialog: Dialog, action: DialogAction): Dialog => {
  switch (action.type) {
    case 'pictureAdded':
      return withoutHighlight({
        ...dialog,
        pending: [...dialog.pending, action.picture],
        shown: allPictures(dialog).length,
      });
    case 'pictureMeasured': {
      const { key, width, height } = action;
      return mapPictures(dialog, (picture) => (picture.key === key ? { ...picture, width, height } : picture));
    }
    case 'pictureRemoved': {
      const without = (pictures: readonly Picture[]): readonly Picture[] =>
        pictures.filter(({ key }) => key !== action.key);
      const turns = dialog.turns.map((turn) =>
        isRemovable(dialog, turn) ? { ...turn, pictures: without(turn.pictures) } : turn,
      );
      const pending = without(dialog.pending);
      const last = picturesOf(turns).length + pending.length - 1;
      return { ...dialog, turns, pending, shown: Math.max(0, Math.min(dialog.shown, last)) };
    }
    case 'pictureShown':
      return withoutHighlight({ ...dialog, shown: action.index });
    case 'asked': {
      const id = (dialog.turns.at(-1)?.id ?? 0) + 1;
      const turn: Turn = { id, question: action.question, pictures: dialog.pending, answer: NEW_ANSWER };
      return withoutHighlight({ ...dialog, turns: [...dialog.turns, turn], pending: [] });
    }
    case 'askedAgain': {
      const { question } = action;
      return withoutHighlight(
        changeLast(dialog, (turn) => ({ question: question ?? turn.question, answer: NEW_ANSWER })),
      );
    }
    case 'eventArrived':
      return withEvent(dialog, action.event);
    case 'picturesForgotten':
      return mapPictures(dialog, ({ imageId: _, ...picture }) => picture);
    case 'answerStopped':
      return changeAnswer(dialog, () => ({ state: 'stopped' }));
    case 'answerFailed':
      return changeAnswer(dialog, () => ({ state: 'failed', failure: action.failure }));
    case 'pointed': {
      const { turn: id, grounding } = action;
      if (grounding === undefined) return withoutHighlight(dialog);
      const target = dialog.turns.find((turn) => turn.id === id)?.answer.groundings[grounding];
      return target ? { ...dialog, focused: id, highlighted: grounding, shown: target.imageIndex } : dialog;
    }
    case 'restarted':
      return EMPTY_DIALOG;
  }
};
