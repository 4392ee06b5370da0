import { once } from 'node:events';
import type { AnswerToken, ChatEvent, ChatRequest } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { ANSWER, chatThat, MODEL, play, post, serve } from '../test/serve.ts';

const PIXEL = '<img>data:image/png;base64,iVBORw0KGgo=</img>';
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const TIMINGS = { imagesMs: 1, decoderMs: 2.1, firstTokenMs: 2.3, totalMs: 3.2 };
const IMAGE = { id: 'ab12', width: 640, height: 480, cached: true };
const GROUNDING = { text: 'cat', box: { x1: 1, y1: 2, x2: 3, y2: 4 }, imageIndex: 0 };

const complete = (app: ReturnType<typeof serve>, given: object) =>
  post(app, { model: MODEL, prompt: PIXEL, ...given }, '/v1/completions');
const answered = (events: readonly ChatEvent[], given: object = {}) =>
  complete(serve(chatThat(() => play(events)).service), given);
const chunksOf = (stream: string) =>
  stream
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.replace(/^data: /, '')));

describe('a completion', () => {
  it('has text, boxes, token counts, pictures and timings', async () => {
    expect((await answered(ANSWER)).json()).toEqual({
      id: expect.stringMatching(/^cmpl-[0-9a-f-]{36}$/),
      object: 'text_completion',
      created: expect.closeTo(Date.now() / 1000, -2),
      model: MODEL,
      system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/),
      choices: [
        {
          index: 0,
          text: 'A <ref>cat</ref><box>(1,2),(3,4)</box>.',
          logprobs: null,
          finish_reason: 'stop',
          grounding: [GROUNDING],
        },
      ],
      usage: {
        prompt_tokens: 300,
        completion_tokens: 12,
        total_tokens: 312,
        prompt_tokens_details: { cached_tokens: 280, image_tokens: 256 },
      },
      eidetic: { images: [IMAGE], timings: TIMINGS },
    });
  });

  it('is streamed in pieces, the counts at the end when they are asked for', async () => {
    const response = await answered(ANSWER, { stream: true, stream_options: { include_usage: true } });
    const chunks = chunksOf(response.body);
    expect(chunks.map(({ choices: [c] }) => c && [c.text, c.grounding, c.finish_reason])).toEqual([
      ['', undefined, null],
      ['A <ref>cat</ref>', undefined, null],
      ['<box>(1,2),(3,4)</box>.', undefined, null],
      ['', [GROUNDING], null],
      ['', undefined, 'stop'],
      undefined,
    ]);
    expect(chunks.map(({ usage }) => usage?.total_tokens)).toEqual([...Array(5).fill(undefined), 312]);
    expect(chunks[0]).toMatchObject({ object: 'text_completion', usage: null, eidetic: { images: [IMAGE] } });
    expect(chunks[4].eidetic).toEqual({ timings: TIMINGS });
    expect(response.body).toMatch(/data: \[DONE\]\n\n$/);
  });

  it('fails with a status when it fails before it starts', async () => {
    const failure = new EideticError('overloaded', 'Later.');
    const app = serve(chatThat(() => play([], failure)).service);
    expect((await complete(app, { stream: true })).statusCode).toBe(429);
  });
});

describe('log probabilities', () => {
  const token = (text: string, raw: Uint8Array, logprob: number, top: AnswerToken['top'] = []): AnswerToken => ({
    text,
    bytes: raw,
    logprob,
    top,
  });
  const [first, second, third] = bytes('狗');
  const part = (byte: number | undefined, logprob: number) => token('\uFFFD', Uint8Array.of(byte ?? 0), logprob);
  const tokens = [
    token('a', bytes('a'), -1, [
      { text: 'a', bytes: bytes('a'), logprob: -1 },
      { text: '<|im_end|>', bytes: bytes(''), logprob: -2 },
    ]),
    part(first, -2),
    part(second, -3),
    part(third, -4),
    token('😀b', bytes('😀b'), -5, [{ text: 'c', bytes: bytes('c'), logprob: -0.5 }]),
    token('d', bytes('d'), -6),
  ];
  const [started, ...rest] = ANSWER;
  const events = [
    started,
    { kind: 'text', choice: 0, text: 'a狗', tokens: tokens.slice(0, 4) },
    { kind: 'text', choice: 0, text: '😀bd', tokens: tokens.slice(4) },
    ...rest.slice(-2),
  ] as ChatEvent[];
  const listed = {
    tokens: ['a', 'bytes:\\xe7', 'bytes:\\x8b', 'bytes:\\x97', '😀b', 'd'],
    token_logprobs: [-1, -2, -3, -4, -5, -6],
    top_logprobs: [
      { a: -1, '<|im_end|>': -2 },
      { 'bytes:\\xe7': -2 },
      { 'bytes:\\x8b': -3 },
      { 'bytes:\\x97': -4 },
      { c: -0.5, '😀b': -5 },
      { d: -6 },
    ],
    text_offset: [0, 1, 1, 1, 2, 4],
  };

  it('are lists, one for each property, with the place of each token in the text', async () => {
    expect((await answered(events, { logprobs: 2 })).json().choices[0].logprobs).toEqual(listed);
  });

  it('are streamed with the text of their tokens, places counted on', async () => {
    const chunks = chunksOf((await answered(events, { logprobs: 2, stream: true })).body);
    const lists = chunks.flatMap(({ choices: [c] }) => (c.logprobs ? [c.logprobs] : []));
    expect(lists).toHaveLength(2);
    expect(lists.flatMap(({ text_offset }) => text_offset)).toEqual(listed.text_offset);
    expect(lists.flatMap((each) => each.tokens)).toEqual(listed.tokens);
  });
});

describe('several prompts', () => {
  /** Says its prompt's text, once for each choice, and points at its last picture. */
  const echo = async function* ({ prompt = [], choices = 1 }: ChatRequest): AsyncGenerator<ChatEvent> {
    const pictures = prompt.filter(({ kind }) => kind === 'image');
    const images = pictures.map((_, index) => ({ imageId: `i${index}`, width: 1, height: 1, cached: false }));
    yield { kind: 'started', images, promptTokens: 10 };
    for (let choice = 0; choice < choices; choice += 1) {
      const text = prompt.map((part) => (part.kind === 'text' ? part.text : '')).join('');
      yield { kind: 'text', choice, text: `${text}${choice}` };
      const grounding = { text: '', box: { x1: 0, y1: 0, x2: 1, y2: 1 }, imageIndex: images.length - 1 };
      if (images.length > 0) yield { kind: 'grounding', choice, grounding };
      yield { kind: 'ended', choice, reason: choice === 0 ? 'stop' : 'length' };
    }
    const usage = { promptTokens: 10, imageTokens: 4, cachedTokens: 2, completionTokens: 3 };
    const timings = { imagesMs: 5, decoderMs: images.length, firstTokenMs: 9 - images.length, totalMs: 7 };
    yield { kind: 'finished', reason: 'stop', usage, timings };
  };
  const prompts = { prompt: [`${PIXEL}a`, 'b', `${PIXEL}${PIXEL}c`], n: 2 };

  it('are answered each with n choices, in order, pictures counted over all of them', async () => {
    const { service, requests } = chatThat(echo);
    const response = await complete(serve(service, { maxImagesPerRequest: 3 }), prompts);
    const { choices, usage, eidetic, id } = response.json();
    interface Choice {
      readonly text: string;
      readonly index: number;
      readonly finish_reason: string;
      readonly grounding?: { readonly imageIndex: number }[];
    }
    expect(
      choices.map((c: Choice) => [c.index, c.text, c.finish_reason, c.grounding?.map((each) => each.imageIndex)]),
    ).toEqual([
      [0, 'a0', 'stop', [0]],
      [1, 'a1', 'length', [0]],
      [2, 'b0', 'stop', undefined],
      [3, 'b1', 'length', undefined],
      [4, 'c0', 'stop', [2]],
      [5, 'c1', 'length', [2]],
    ]);
    expect(usage).toEqual({
      prompt_tokens: 30,
      completion_tokens: 9,
      total_tokens: 39,
      prompt_tokens_details: { cached_tokens: 6, image_tokens: 12 },
    });
    expect(eidetic.images.map((image: { id: string }) => image.id)).toEqual(['i0', 'i0', 'i1']);
    expect(eidetic.timings).toEqual({ imagesMs: 5, decoderMs: 2, firstTokenMs: 7, totalMs: 7 });
    expect(requests.map(({ requestId }) => requestId)).toEqual([`${id}-0`, `${id}-1`, `${id}-2`]);
  });

  it('are streamed as they come, with one end', async () => {
    const app = serve(chatThat(echo).service, { maxImagesPerRequest: 3 });
    const chunks = chunksOf((await complete(app, { ...prompts, stream: true })).body);
    const texts = new Map<number, string>();
    for (const { choices } of chunks) {
      const [{ index, text }] = choices;
      texts.set(index, (texts.get(index) ?? '') + text);
    }
    expect([...texts].sort(([a], [b]) => a - b)).toEqual([
      [0, 'a0'],
      [1, 'a1'],
      [2, 'b0'],
      [3, 'b1'],
      [4, 'c0'],
      [5, 'c1'],
    ]);
    expect(chunks.filter(({ choices: [c] }) => c.finish_reason !== null)).toHaveLength(6);
    expect(chunks.filter(({ eidetic }) => eidetic?.timings)).toEqual([chunks.at(-1)]);
    expect(chunks.flatMap(({ choices: [c], eidetic }) => (eidetic?.images ? [c.index] : []))).toEqual([0, 2, 4]);
  });

  it('end together when one of them fails, by its name', async () => {
    const failure = new EideticError('invalid_request', 'Too odd.', { details: { param: 'prompt' } });
    const signals: AbortSignal[] = [];
    const { service } = chatThat(async function* ({ prompt }, signal) {
      if (prompt?.[0]?.kind === 'text' && prompt[0].text === 'bad') throw failure;
      signals.push(signal);
      yield* ANSWER.slice(0, 1);
      if (!signal.aborted) await once(signal, 'abort');
    });
    const response = await complete(serve(service), { prompt: ['good', 'bad'] });
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({ message: 'Too odd.', param: 'prompt[1]' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
