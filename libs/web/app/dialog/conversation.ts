import { type ChatEvent, type ChatRequest, EideticApiError, image } from '@eidetic/client';
import type { Sampling } from '../preferences/preferences.ts';
import {
  type Dialog,
  type DialogAction,
  EMPTY_DIALOG,
  isRunning,
  type Picture,
  picturesOf,
  reduceDialog,
} from './dialog.ts';
import { toFailure } from './failure.ts';
import { toRequest } from './request.ts';

/** What a conversation needs of the world. */
export interface ConversationParts {
  /** Asks the server; leaving the iteration or aborting ends the request. */
  readonly ask: (request: ChatRequest, signal: AbortSignal) => AsyncIterable<ChatEvent>;
  /** The settings of the moment. */
  readonly sampling: () => Sampling;
}

/** A dialog that goes on: holds its state, and asks for answers. */
export interface Conversation {
  readonly current: () => Dialog;
  /** Calls `listener` after every change; returns what ends that. */
  readonly subscribe: (listener: () => void) => () => void;
  /** For what needs no server. */
  readonly dispatch: (action: DialogAction) => void;
  /** Asks a question about the dialog so far; does nothing while an answer is on its way. */
  readonly ask: (question: string) => Promise<void>;
  /** Asks the last question anew, in other words if given. */
  readonly askAgain: (question?: string) => Promise<void>;
  /** Ends the answer that is on its way; what has come of it stays. */
  readonly stop: () => void;
  /** Begins a new dialog. */
  readonly restart: () => void;
}

/** Where the server finds a picture: by id once it has seen it, else in the URL itself. */
const pictureUrl = async ({ imageId, blob, src }: Picture): Promise<string> =>
  (await image(imageId ?? blob ?? src)).image_url.url;

const isForgotten = (reason: unknown): boolean =>
  reason instanceof EideticApiError && ['image_missing', 'unsupported_image_source'].includes(reason.code);

/** A conversation without a word. */
export const createConversation = ({ ask, sampling }: ConversationParts): Conversation => {
  let dialog: Dialog = EMPTY_DIALOG;
  let running: AbortController | undefined;
  const listeners = new Set<() => void>();

  const dispatch = (action: DialogAction): void => {
    dialog = reduceDialog(dialog, action);
    for (const listener of listeners) listener();
  };

  const stream = async (signal: AbortSignal): Promise<void> => {
    const request = await toRequest(dialog.turns, sampling(), pictureUrl);
    for await (const event of ask(request, signal)) {
      if (signal.aborted) return;
      dispatch({ type: 'eventArrived', event });
    }
  };

  const answer = async (): Promise<void> => {
    const controller = new AbortController();
    const { signal } = controller;
    running = controller;
    try {
      const byReference = picturesOf(dialog.turns).some(({ imageId }) => imageId !== undefined);
      await stream(signal).catch(async (reason: unknown) => {
        if (!byReference || !isForgotten(reason) || signal.aborted) throw reason;
        dispatch({ type: 'picturesForgotten' });
        await stream(signal);
      });
    } catch (reason) {
      // What was stopped has ended already, and tells no news.
      if (!signal.aborted) dispatch({ type: 'answerFailed', failure: toFailure(reason) });
    }
    if (running === controller) running = undefined;
  };

  const stop = (): void => {
    if (!running) return;
    running.abort();
    running = undefined;
    dispatch({ type: 'answerStopped' });
  };

  return {
    current: () => dialog,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispatch,
    async ask(question) {
      if (isRunning(dialog)) return;
      dispatch({ type: 'asked', question });
      await answer();
    },
    async askAgain(question) {
      if (isRunning(dialog) || dialog.turns.length === 0) return;
      dispatch({ type: 'askedAgain', ...(question !== undefined && { question }) });
      await answer();
    },
    stop,
    restart() {
      stop();
      dispatch({ type: 'restarted' });
    },
  };
};
