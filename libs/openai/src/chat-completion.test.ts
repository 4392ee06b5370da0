import type { AnswerToken, ChatEvent } from '@eidetic/chat';
import { describe, expect, it } from 'vitest';
import { ANSWER, chatThat, MODEL, play, post, serve, USER_SAYS_HI } from '../test/serve.ts';

const [STARTED, ...REST] = ANSWER;
const FINISHED = REST.at(-1);
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const DOG: AnswerToken = {
  text: 'dog',
  bytes: bytes('dog'),
  logprob: -0.5,
  top: [
    { text: 'dog', bytes: bytes('dog'), logprob: -0.5 },
    { text: '<|im_end|>', bytes: bytes(''), logprob: -2 },
  ],
};
const HALF: AnswerToken = { text: '\uFFFD', bytes: Uint8Array.of(0xe7), logprob: -1, top: [] };
const DOG_JSON = {
  token: 'dog',
  logprob: -0.5,
  bytes: [100, 111, 103],
  top_logprobs: [
    { token: 'dog', logprob: -0.5, bytes: [100, 111, 103] },
    { token: '<|im_end|>', logprob: -2, bytes: null },
  ],
};
const HALF_JSON = { token: '\uFFFD', logprob: -1, bytes: [0xe7], top_logprobs: [] };

const text = (choice: number, piece: string, tokens?: AnswerToken[]): ChatEvent => ({
  kind: 'text',
  choice,
  text: piece,
  ...(tokens && { tokens }),
});
const ended = (choice: number, reason: 'stop' | 'length' = 'stop'): ChatEvent => ({ kind: 'ended', choice, reason });

const answered = async (events: readonly ChatEvent[], fields: object) => {
  const body = { model: MODEL, messages: USER_SAYS_HI, ...fields };
  const whole = [STARTED, ...events, FINISHED].filter((event) => event !== undefined);
  return post(serve(chatThat(() => play(whole)).service), body);
};
const chunksOf = (stream: string) =>
  stream
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.replace(/^data: /, '')));

describe('several answers', () => {
  const events = [text(1, 'b'), text(0, 'a'), ended(1, 'length'), text(0, 'a'), ended(0)];

  it('are choices of one completion, in order', async () => {
    const { choices } = (await answered(events, { n: 2 })).json();
    expect(
      choices.map((each: { index: number; message: { content: string }; finish_reason: string }) => [
        each.index,
        each.message.content,
        each.finish_reason,
      ]),
    ).toEqual([
      [0, 'aa', 'stop'],
      [1, 'b', 'length'],
    ]);
  });

  it('are streamed as they come, each with a role and a reason; pictures and timings come once', async () => {
    const chunks = chunksOf((await answered(events, { n: 2, stream: true })).body);
    expect(chunks.map(({ choices: [c] }) => [c.index, c.delta.role ?? c.delta.content, c.finish_reason])).toEqual([
      [0, 'assistant', null],
      [1, 'assistant', null],
      [1, 'b', null],
      [0, 'a', null],
      [1, undefined, 'length'],
      [0, 'a', null],
      [0, undefined, 'stop'],
    ]);
    expect(chunks.map(({ eidetic }) => Object.keys(eidetic ?? {}).join())).toEqual([
      'images',
      ...Array(5).fill(''),
      'timings',
    ]);
  });
});

describe('log probabilities', () => {
  const events = [text(0, 'dog', [DOG]), text(0, ' and'), text(0, '', [HALF]), ended(0)];

  it('are listed token by token', async () => {
    const [choice] = (await answered(events, { logprobs: true, top_logprobs: 2 })).json().choices;
    expect(choice.logprobs).toEqual({ content: [DOG_JSON, HALF_JSON], refusal: null });
  });

  it('are an empty list for an answer without tokens', async () => {
    const [choice] = (await answered([ended(0)], { logprobs: true })).json().choices;
    expect(choice.logprobs).toEqual({ content: [], refusal: null });
  });

  it('are streamed with the text of their tokens', async () => {
    const chunks = chunksOf((await answered(events, { logprobs: true, stream: true })).body);
    expect(chunks.map(({ choices: [c] }) => [c.delta.content, c.logprobs])).toEqual([
      ['', null],
      ['dog', { content: [DOG_JSON], refusal: null }],
      [' and', null],
      ['', { content: [HALF_JSON], refusal: null }],
      [undefined, null],
    ]);
  });
});
