import type { ChatAnswer, ChatEvent, SeenImage } from './answer.ts';
import type { ChatParameters, ChatRequest } from './chat-request.ts';
import type { CallOptions, EideticClient } from './client.ts';
import { EideticApiError } from './errors.ts';
import { type ImageSource, image } from './image.ts';
import type { ImagePart, Message } from './messages.ts';

/** What holds for all turns of a dialog. */
export interface DialogOptions extends ChatParameters {
  /** What the model is to be and do. */
  readonly system?: string;
}

/** What holds for one turn. */
export interface TurnOptions extends CallOptions {
  /** Pictures that the question brings into the dialog. */
  readonly images?: readonly ImageSource[];
}

/**
 * A dialog about pictures. A picture's bytes are sent once: later turns name it by the id that the server gave it, and bring the bytes
 * again only if the server has forgotten them. A turn is remembered once its answer is there, or as far as it had
 * come when the caller left it; a turn that failed is not.
 */
export interface Dialog {
  /** The turns so far, pictures named by their ids. */
  readonly messages: readonly Message[];
  /** Pictures of the turns so far, as the server sees them; `imageIndex` of a box points into it. */
  readonly images: readonly SeenImage[];
  /** Asks and waits for the whole answer. */
  ask(question: string, options?: TurnOptions): Promise<ChatAnswer>;
  /** Asks and gives the answer as it comes. */
  stream(question: string, options?: TurnOptions): AsyncIterable<ChatEvent>;
}

interface Picture {
  readonly source: ImageSource;
  seen?: SeenImage;
}

interface Turn {
  readonly question: string;
  readonly pictures: readonly Picture[];
  answer: string;
}

const userMessage = ({ question }: Turn, pictures: readonly ImagePart[]): Message => ({
  role: 'user',
  content: pictures.length === 0 ? question : [...pictures, { type: 'text', text: question }],
});

const byId = ({ id }: SeenImage): ImagePart => ({ type: 'image_url', image_url: { url: `eidetic://sha256/${id}` } });

const hasForgottenPicture = (error: unknown): boolean =>
  error instanceof EideticApiError && ['unsupported_image_source', 'image_missing'].includes(error.code);

/** Waits until an iteration has begun or failed; gives all of it. */
const begun = async <T>(events: AsyncIterable<T>): Promise<AsyncIterable<T>> => {
  const iterator = events[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
};

/** A dialog that asks this client. */
export const createDialog = (
  client: Pick<EideticClient, 'chat' | 'streamChat'>,
  { system, ...parameters }: DialogOptions = {},
): Dialog => {
  const turns: Turn[] = [];
  let busy = false;

  const picturesWith = (...more: readonly Turn[]): Picture[] => [...turns, ...more].flatMap(({ pictures }) => pictures);
  const seenIn = (pictures: readonly Picture[]): SeenImage[] => pictures.flatMap(({ seen }) => seen ?? []);

  const requestOf = async (turn: Turn, naming: boolean): Promise<ChatRequest> => {
    const messages: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
    for (const each of [...turns, turn]) {
      const parts = each.pictures.map(({ source, seen }) => (seen && naming ? byId(seen) : image(source)));
      messages.push(userMessage(each, await Promise.all(parts)));
      if (each !== turn) messages.push({ role: 'assistant', content: each.answer });
    }
    return { ...parameters, messages };
  };

  /** Sends pictures by name, and once more with their bytes when the server does not know them any more. */
  const send = async <T>(turn: Turn, by: (request: ChatRequest) => Promise<T>): Promise<T> => {
    try {
      return await by(await requestOf(turn, true));
    } catch (error) {
      if (!hasForgottenPicture(error) || seenIn(picturesWith()).length === 0) throw error;
      return await by(await requestOf(turn, false));
    }
  };

  const noteImages = (turn: Turn, images: readonly SeenImage[]): void => {
    for (const [index, picture] of picturesWith(turn).entries()) {
      const seen = images[index];
      if (seen !== undefined) picture.seen = seen;
    }
  };

  const begin = (question: string, { images = [] }: TurnOptions): Turn => {
    if (busy) throw new Error('This dialog is still being answered: wait for the answer, or leave it.');
    busy = true;
    return { question, pictures: images.map((source) => ({ source })), answer: '' };
  };

  return {
    get messages() {
      return turns.flatMap((turn): Message[] => [
        userMessage(turn, seenIn(turn.pictures).map(byId)),
        { role: 'assistant', content: turn.answer },
      ]);
    },
    get images() {
      return seenIn(picturesWith());
    },
    async ask(question, options = {}) {
      const turn = begin(question, options);
      try {
        const answer = await send(turn, (request) => client.chat(request, options));
        noteImages(turn, answer.images);
        turns.push({ ...turn, answer: answer.text });
        return answer;
      } finally {
        busy = false;
      }
    },
    async *stream(question, options = {}) {
      const turn = begin(question, options);
      let failed = false;
      let finished = false;
      try {
        const events = await send(turn, (request) => begun(client.streamChat(request, options)));
        for await (const event of events) {
          if (event.kind === 'started') noteImages(turn, event.images);
          if (event.kind === 'text' && event.choice === 0) turn.answer += event.text;
          finished ||= event.kind === 'finished';
          yield event;
        }
      } catch (error) {
        failed = options.signal?.aborted !== true;
        throw error;
      } finally {
        if (finished || (!failed && turn.answer !== '')) turns.push(turn);
        busy = false;
      }
    },
  };
};
