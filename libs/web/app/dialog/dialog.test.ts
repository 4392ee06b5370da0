import type { ChatAnswer, ChatEvent } from '@eidetic/client';
import { describe, expect, it } from 'vitest';
import {
  allPictures,
  type Dialog,
  type DialogAction,
  EMPTY_DIALOG,
  isRunning,
  type Picture,
  reduceDialog,
  tokensPerSecond,
} from './dialog.ts';

const picture = (key: string): Picture => ({ key, name: key, src: `blob:${key}`, width: 1, height: 1 });
const seen = (id: string) => ({ id, width: 20, height: 30, cached: true });
const grounding = (imageIndex = 0) => ({ text: 'a', box: { x1: 0, y1: 0, x2: 1, y2: 1 }, imageIndex });
const answer = {
  usage: {
    prompt_tokens: 9,
    completion_tokens: 11,
    total_tokens: 20,
    prompt_tokens_details: { cached_tokens: 3, image_tokens: 4 },
  },
  timings: { imagesMs: 1, decoderMs: 90, firstTokenMs: 50, totalMs: 100 },
} as unknown as ChatAnswer;

const after = (...actions: readonly DialogAction[]): Dialog => actions.reduce(reduceDialog, EMPTY_DIALOG);
const add = (key: string): DialogAction => ({ type: 'pictureAdded', picture: picture(key) });
const asked = (question: string): DialogAction => ({ type: 'asked', question });
const arrived = (event: ChatEvent): DialogAction => ({ type: 'eventArrived', event });
const started = (...ids: readonly string[]) => arrived({ kind: 'started', id: 'c', model: 'm', images: ids.map(seen) });
const text = (words: string) => arrived({ kind: 'text', choice: 0, text: words });
const pointing = (imageIndex: number) => arrived({ kind: 'grounding', choice: 0, grounding: grounding(imageIndex) });
const finished = arrived({ kind: 'finished', answer });

describe('reduceDialog', () => {
  it('gives the next question the pictures that wait, and shows the newest', () => {
    const dialog = after(add('a'), add('b'), asked('Well?'));
    expect(dialog.shown).toBe(1);
    expect(dialog.pending).toEqual([]);
    expect(dialog.turns[0]?.pictures.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(isRunning(dialog)).toBe(true);
  });

  it('keeps a picture in view when another is removed', () => {
    const dialog = after(add('a'), add('b'), { type: 'pictureRemoved', key: 'b' });
    expect([dialog.shown, allPictures(dialog).map(({ key }) => key)]).toEqual([0, ['a']]);
  });

  it('lets go of a picture that was asked about as long as no answer has been about it', () => {
    const failed: DialogAction = { type: 'answerFailed', failure: { code: 'image_unreachable', message: 'No.' } };
    const removed = (key: string): DialogAction => ({ type: 'pictureRemoved', key });
    const refused = [add('b'), asked('2'), failed, asked('3'), failed].reduce(
      reduceDialog,
      after(add('a'), asked('1'), started('x'), text('Yes.'), finished),
    );
    const keys = (dialog: Dialog) => allPictures(dialog).map(({ key }) => key);
    expect(keys(reduceDialog(refused, removed('b')))).toEqual(['a']);
    expect(keys(reduceDialog(refused, removed('a')))).toEqual(['a', 'b']);
    const running = reduceDialog(refused, asked('4'));
    expect(keys(reduceDialog(running, removed('b')))).toEqual(['a', 'b']);
  });

  it('collects an answer, and learns what the server calls its pictures', () => {
    const { turns } = after(
      add('a'),
      asked('Well?'),
      started('id-a'),
      text('It '),
      text('is'),
      pointing(0),
      arrived({ kind: 'ended', choice: 0, finishReason: 'length' }),
      finished,
    );
    expect(turns[0]?.pictures[0]).toMatchObject({ imageId: 'id-a', width: 20, height: 30 });
    expect(turns[0]?.answer).toEqual({
      state: 'done',
      raw: 'It is',
      groundings: [grounding()],
      images: [seen('id-a')],
      cutOff: true,
      usage: answer.usage,
      timings: answer.timings,
    });
  });

  it('names pictures of all turns in the order of the request', () => {
    const dialog = after(add('a'), asked('1'), started('x'), finished, add('b'), asked('2'), started('x', 'y'));
    expect(allPictures(dialog).map(({ imageId }) => imageId)).toEqual(['x', 'y']);
    const forgotten = reduceDialog(dialog, { type: 'picturesForgotten' });
    expect(allPictures(forgotten).map(({ imageId }) => imageId)).toEqual([undefined, undefined]);
  });

  it('shows the picture that is pointed at, and keeps boxes until an answer has others', () => {
    const first = after(add('a'), add('b'), asked('1'), started('x', 'y'), pointing(0), finished);
    expect([first.shown, first.focused]).toEqual([0, 1]);
    const second = [asked('2'), text('Yes.'), finished].reduce(reduceDialog, first);
    expect(second.focused).toBe(1);
    const pointed = reduceDialog(second, { type: 'pointed', turn: 1, grounding: 0 });
    expect([pointed.focused, pointed.highlighted]).toEqual([1, 0]);
    expect(reduceDialog(pointed, { type: 'pointed', turn: 1, grounding: undefined }).highlighted).toBeUndefined();
  });

  it('ignores a hint at a box that is not there', () => {
    const dialog = after(asked('1'), finished);
    expect(reduceDialog(dialog, { type: 'pointed', turn: 1, grounding: 4 })).toBe(dialog);
  });

  it('asks the last question anew, in other words if there are any', () => {
    const dialog = after(asked('Wat?'), text('Huh.'), finished, { type: 'askedAgain', question: 'What?' });
    expect(dialog.turns).toEqual([
      { id: 1, question: 'What?', pictures: [], answer: { state: 'waiting', raw: '', groundings: [], images: [] } },
    ]);
  });

  it('keeps what was said when an answer is stopped or fails', () => {
    const stopped = after(asked('1'), text('Once'), { type: 'answerStopped' });
    expect(stopped.turns[0]?.answer).toMatchObject({ state: 'stopped', raw: 'Once' });
    const failure = { code: 'unavailable', message: 'Draining.' };
    const failed = after(asked('1'), text('Once'), { type: 'answerFailed', failure });
    expect(failed.turns[0]?.answer).toMatchObject({ state: 'failed', raw: 'Once', failure });
  });
});

describe('tokensPerSecond', () => {
  it('counts the tokens after the first', () => {
    expect(after(asked('1'), finished).turns.map((turn) => tokensPerSecond(turn.answer))).toEqual([200]);
  });

  it('says nothing of an answer without figures', () => {
    expect(tokensPerSecond({ state: 'stopped', raw: 'a', groundings: [], images: [] })).toBeUndefined();
  });
});
