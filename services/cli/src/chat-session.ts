import {
  type ChatAnswer,
  type Dialog,
  type DialogOptions,
  EideticApiError,
  type EideticClient,
  EideticConnectionError,
} from '@eidetic/client';
import { EideticError } from '@eidetic/core';
import type { ChatPicture } from './chat-picture.ts';
import { closingLine, describeBox, readableText } from './chat-text.ts';
import { saveBoxes } from './save-boxes.ts';
import { say } from './terminal.ts';

/** How answers are shown. */
export interface ChatFormat {
  /** `text` as people read it, `raw` with tags, `json` as one line when it is whole. */
  readonly as: 'text' | 'raw' | 'json';
  /** Where the picture with boxes goes; undefined: beside the picture. */
  readonly output: string | undefined;
}

/** A dialog at the terminal: answers go to standard output, what is to be said about them to standard error. */
export class ChatSession {
  readonly #dialog: Dialog;
  readonly #format: ChatFormat;
  readonly #pictures: ChatPicture[] = [];
  #new: ChatPicture[] = [];

  constructor(client: EideticClient, parameters: DialogOptions, format: ChatFormat) {
    this.#dialog = client.dialog(parameters);
    this.#format = format;
  }

  /** Lets a picture come with the next question; its number in the dialog. */
  add(picture: ChatPicture): number {
    this.#new.push(picture);
    return this.#pictures.length + this.#new.length;
  }

  /**
   * Asks, and prints the answer as it comes.
   *
   * @throws EideticError with what the server says; `cancelled`.
   */
  async ask(question: string, signal: AbortSignal): Promise<void> {
    const pictures = [...this.#pictures, ...this.#new];
    const startMs = performance.now();
    let firstTokenMs: number | undefined;
    let raw = '';
    let printed = '';
    let answer: ChatAnswer | undefined;
    const print = (growing: boolean): void => {
      const text = this.#format.as === 'raw' ? raw : readableText(raw, { growing });
      if (this.#format.as !== 'json') process.stdout.write(text.slice(printed.length));
      printed = text;
    };
    try {
      const images = this.#new.map(({ source }) => source);
      for await (const event of this.#dialog.stream(question, { images, signal })) {
        if (event.kind === 'text') {
          firstTokenMs ??= performance.now() - startMs;
          raw += event.text;
          print(true);
        } else if (event.kind === 'finished') answer = event.answer;
      }
    } catch (error) {
      // What stands there already ends its line.
      if (printed !== '' && this.#format.as !== 'json') process.stdout.write('\n');
      throw signal.aborted
        ? new EideticError('cancelled', 'The answer was stopped.', { cause: error })
        : toError(error);
    } finally {
      // A dialog keeps what was begun of an answer that was stopped, and then its pictures too.
      if (this.#dialog.images.length === pictures.length) {
        this.#pictures.push(...this.#new);
        this.#new = [];
      }
    }
    print(false);
    if (answer === undefined) throw new EideticError('unavailable', 'The answer ended before it was whole; ask again.');
    const totalMs = performance.now() - startMs;
    await this.#conclude(answer, printed, { firstTokenMs: firstTokenMs ?? totalMs, totalMs });
  }

  async #conclude(answer: ChatAnswer, text: string, times: { firstTokenMs: number; totalMs: number }): Promise<void> {
    const { as, output } = this.#format;
    const { grounding, images, usage, timings, finishReason, model } = answer;
    const names = this.#pictures.map(({ name }) => name);
    if (as !== 'json') process.stdout.write('\n');
    const saved = await saveBoxes(grounding, this.#pictures, output);
    if (as === 'json') {
      const boxes = grounding.map((each, i) => ({ number: i + 1, ...each, picture: names[each.imageIndex] }));
      const json = { model, text, raw: answer.text, boxes, saved, finishReason, images, usage, timings, client: times };
      process.stdout.write(`${JSON.stringify(json)}\n`);
      return;
    }
    if (as === 'text')
      for (const [i, each] of grounding.entries()) process.stdout.write(`${describeBox(each, i, names)}\n`);
    for (const { path } of saved) say(`Boxes are drawn in ${path}`);
    if (finishReason === 'length') say('The answer was cut off at its limit; --max-tokens sets it.');
    say(closingLine(answer, times));
  }
}

const toError = (error: unknown): EideticError => {
  if (error instanceof EideticConnectionError) return new EideticError('unavailable', error.message, { cause: error });
  if (error instanceof EideticApiError) {
    return new EideticError('unavailable', `The server refuses: ${error.message} (${error.code})`, { cause: error });
  }
  return EideticError.from(error);
};
