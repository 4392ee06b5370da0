import { MAX_LOGPROBS } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import {
  collect,
  FakeDecoder,
  failure,
  fakeLogprobs,
  family,
  idsOf,
  picture,
  request,
  setUp,
  special,
  text,
  textOf,
} from '../test/chat-parts.ts';
import type { ChatEvent, ChatOptions } from './types.ts';

const answer = (ids: readonly number[], more: Partial<ChatOptions>) =>
  collect(setUp({ decoder: new FakeDecoder(ids) }).service.chat(request([picture(1), text('?')], more)));
const tokensOf = (events: readonly ChatEvent[]) =>
  events.flatMap((event) => (event.kind === 'text' ? (event.tokens ?? []) : []));

describe('log probabilities', () => {
  it('come with the text of their tokens, and with as many of the likeliest as asked for', async () => {
    const ids = idsOf('one two');
    const events = await answer(ids, { logprobs: 2 });
    const score = (id: number, logprob: number) => ({ ...family.describeToken(id), logprob });
    expect(tokensOf(events)).toEqual(
      ids.map((id) => {
        const { logprob, top } = fakeLogprobs(id, 2);
        return { ...score(id, logprob), top: top.map((each) => score(each.id, each.logprob)) };
      }),
    );
    for (const event of events) {
      if (event.kind === 'text') expect(event.tokens?.map((token) => token.text).join('')).toBe(event.text);
    }
  });

  it('are there for every token: halves of characters, tags, control tokens, and a stop string', async () => {
    const dog = [...Buffer.from('狗')].map((byte) => idOfByte(byte));
    const box = idsOf('<box>(0,0),(500,500)</box>');
    const ids = [...dog, ...box, special['<|im_start|>'] ?? -1, ...idsOf('END')];
    const events = await answer(ids, { logprobs: 0, stop: ['END'] });
    expect(textOf(events)).toBe('狗<box>(0,0),(500,500)</box>');
    expect(tokensOf(events).map(({ logprob }) => logprob)).toEqual(ids.map((id) => -id / 1000));
    expect(tokensOf(events).map(({ bytes }) => Buffer.from(bytes))).toEqual(
      ids.map((id) => Buffer.from(family.describeToken(id).bytes)),
    );
    expect(events.at(-1)).toMatchObject({ usage: { completionTokens: ids.length } });
  });

  it('are left out when nobody asks', async () => {
    const events = await answer(idsOf('one two'), {});
    for (const event of events) expect(event).not.toHaveProperty('tokens');
  });

  it('are an error when the decoder has none', async () => {
    const decoder = new FakeDecoder(idsOf('one'));
    const silent: typeof decoder.generate = (asked, signal) => {
      const { logprobs: _, ...others } = asked;
      return decoder.generate(others, signal);
    };
    const { service } = setUp({ decoder: Object.assign(new FakeDecoder(), { generate: silent }) });
    const error = await failure(service.chat(request([text('?')], { logprobs: 1 })));
    expect(error.code).toBe('inference_failed');
  });

  it.each([-1, 0.5, MAX_LOGPROBS + 1])('of %s tokens are refused', async (logprobs) => {
    const error = await failure(setUp().service.chat(request([text('?')], { logprobs })));
    expect(error).toMatchObject({ code: 'invalid_request' });
  });
});

describe('the end of an answer', () => {
  const generation = async (more: Partial<ChatOptions>) => {
    const { service, decoder } = setUp({ decoder: new FakeDecoder(idsOf('one END two Human: three')), format: 'raw' });
    const events = await collect(service.chat(request([text('?')], more)));
    return { text: textOf(events), stopTokenIds: decoder.requests[0]?.stopTokenIds, request: decoder.requests[0] };
  };

  it('is where the family says', async () => {
    expect(await generation({})).toMatchObject({ text: 'one END two ', stopTokenIds: [4098, 4097, 4096] });
  });

  it("is nothing of the family's when that is to be ignored, but a stop string of the request", async () => {
    expect(await generation({ ignoreEos: true })).toMatchObject({ text: 'one END two Human: three', stopTokenIds: [] });
    expect(await generation({ ignoreEos: true, stop: ['END'] })).toMatchObject({ text: 'one ' });
  });

  it('is left to a grammar, which the decoder gets, with priority', async () => {
    const grammar = { kind: 'regex', pattern: '.*' } as const;
    expect(await generation({ grammar, priority: 3 })).toMatchObject({
      text: 'one END two Human: three',
      stopTokenIds: [4098, 4097, 4096],
      request: { grammar, priority: 3 },
    });
  });

  it('is nowhere before the answer has as many tokens as asked for', async () => {
    const upToEnd = idsOf('one END').length;
    expect(await generation({ minTokens: upToEnd, stop: ['END'] })).toMatchObject({
      text: 'one END two ',
      request: { minTokens: upToEnd },
    });
    expect(await generation({ minTokens: idsOf('one').length, stop: ['END'] })).toMatchObject({ text: 'one ' });
  });

  it.each([
    ['and left to a grammar', { minTokens: 1, grammar: { kind: 'json-object' } }],
    ['and after more tokens than there may be', { minTokens: 6, maxTokens: 5 }],
    ['of a number that is none', { minTokens: 0.5 }],
  ] as const)('cannot be after so many tokens %s', async (_, more) => {
    const error = await failure(setUp().service.chat(request([text('?')], more)));
    expect(error).toMatchObject({ code: 'invalid_request', details: { param: 'minTokens' } });
  });

  it('cannot be both ignored and left to a grammar', async () => {
    const more = { ignoreEos: true, grammar: { kind: 'json-object' } } as const;
    const error = await failure(setUp().service.chat(request([text('?')], more)));
    expect(error).toMatchObject({ code: 'invalid_request', details: { param: 'ignore_eos' } });
  });
});

it('leaves JSON as the model wrote it, boxes in it included', async () => {
  const json = '{"a<b": "<ref>x</ref><box>(0,0),(9,9)</box> <", "c": "<bo"}';
  expect(textOf(await answer(idsOf(json), { grammar: { kind: 'json-object' } }))).toBe(json);
});

it('refuses a bias of a token that there is not', async () => {
  const ask = (id: number) =>
    setUp().service.chat(request([text('?')], { sampling: { logitBias: new Map([[id, 1]]) } }));
  const error = await failure(ask(4352));
  expect(error).toMatchObject({ code: 'invalid_request', details: { param: 'logit_bias' } });
  expect(error.message).toContain('no token 4352; ids run from 0 to 4351');
  expect((await collect(ask(4351))).at(-1)?.kind).toBe('finished');
});

function idOfByte(byte: number): number {
  for (let id = 0; id < family.vocabulary; id++) {
    const { bytes } = family.describeToken(id);
    if (bytes.length === 1 && bytes[0] === byte) return id;
  }
  throw new Error(`no token for byte ${byte}`);
}
