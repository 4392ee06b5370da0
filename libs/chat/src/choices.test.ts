import { setImmediate as turn } from 'node:timers/promises';
import type { GenerateRequest } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { collect, FakeDecoder, failure, idsOf, picture, request, setUp, text } from '../test/chat-parts.ts';
import { MAX_CHOICES } from './check-request.ts';
import type { ChatEvent } from './types.ts';

const textsOf = (events: readonly ChatEvent[], count: number): string[] =>
  Array.from({ length: count }, (_, choice) =>
    events.map((event) => (event.kind === 'text' && event.choice === choice ? event.text : '')).join(''),
  );

/** Says another text for each seed from 0 on, and found the more in the cache the higher the seed; `each` may delay or fail a generation. */
class ManyDecoder extends FakeDecoder {
  readonly #texts: readonly string[];
  readonly #each: (seed: number, signal: AbortSignal) => Promise<void>;

  constructor(texts: readonly string[], each: (seed: number, signal: AbortSignal) => Promise<void> = async () => {}) {
    super();
    this.#texts = texts;
    this.#each = each;
  }

  override async *generate(
    asked: GenerateRequest,
    signal = new AbortController().signal,
  ): ReturnType<FakeDecoder['generate']> {
    const { seed } = asked.sampling;
    const one = new FakeDecoder(idsOf(this.#texts[seed] ?? ''));
    this.requests.push(asked);
    try {
      for await (const event of one.generate(asked, signal)) {
        yield event.kind === 'prefilled' ? { ...event, cachedTokens: 7 + 100 * seed } : event;
        if (event.kind === 'prefilled') await this.#each(seed, signal);
      }
    } finally {
      this.released += 1;
    }
  }
}

const ask = (choices: number) => request([picture(1), text('?')], { choices, sampling: { seed: 0 } });

describe('several answers to one request', () => {
  it('differ by seed alone, and look at pictures and prompt once', async () => {
    const decoder = new ManyDecoder(['one', 'two words', 'and three more']);
    const { service, vision } = setUp({ decoder });
    const events = await collect(service.chat(ask(3)));
    expect(textsOf(events, 3)).toEqual(['one', 'two words', 'and three more']);
    expect(vision.batches).toEqual([[1]]);
    const [first, ...others] = decoder.requests;
    for (const [i, other] of others.entries()) {
      expect(other.prompt).toBe(first?.prompt);
      expect(other.sampling).toEqual({ ...first?.sampling, seed: i + 1 });
    }
    expect(new Set(decoder.requests.map(({ requestId }) => requestId)).size).toBe(3);
  });

  it('start once and finish once, each ending by itself in between; the prompt counts once, the tokens add up', async () => {
    const decoder = new ManyDecoder(['one', 'two words']);
    const events = await collect(setUp({ decoder }).service.chat(ask(2)));
    expect(events.map(({ kind }) => kind).filter((kind) => kind !== 'text')).toEqual([
      'started',
      'ended',
      'ended',
      'finished',
    ]);
    const { promptTokens } = events[0] as Extract<ChatEvent, { kind: 'started' }>;
    expect(events.at(-1)).toMatchObject({
      reason: 'stop',
      usage: { promptTokens, cachedTokens: 7, completionTokens: idsOf('one').length + idsOf('two words').length },
    });
  });

  it('are cut off one by one: the request is when one is', async () => {
    const decoder = new ManyDecoder(['one', 'two words and more']);
    const events = await collect(setUp({ decoder }).service.chat({ ...ask(2), maxTokens: idsOf('one').length }));
    const ended = events.flatMap((event) => (event.kind === 'ended' ? [[event.choice, event.reason]] : []));
    expect(ended.toSorted()).toEqual([
      [0, 'stop'],
      [1, 'length'],
    ]);
    expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'length' });
  });

  it('all fail when one does, and are let go of', async () => {
    const decoder = new ManyDecoder(['one', 'two', 'three'], async (seed, signal) => {
      if (seed === 1) throw new Error('lost');
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    expect(await failure(setUp({ decoder }).service.chat(ask(3)))).toMatchObject({ message: 'lost' });
    expect(decoder.released).toBe(3);
  });

  it('are all left when the caller leaves, or aborts', async () => {
    const wait = (_: number, signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const leaving = new ManyDecoder(['one', 'two'], wait);
    for await (const event of setUp({ decoder: leaving }).service.chat(ask(2))) if (event.kind === 'started') break;
    expect(leaving.released).toBe(2);

    const aborted = new ManyDecoder(['one', 'two'], wait);
    const controller = new AbortController();
    const failed = failure(setUp({ decoder: aborted }).service.chat(ask(2), controller.signal));
    while (aborted.requests.length < 2) await turn();
    controller.abort();
    expect(await failed).toMatchObject({ code: 'cancelled' });
    expect(aborted.released).toBe(2);
  });

  it.each([0, 1.5, MAX_CHOICES + 1])('are refused when there are to be %s', async (choices) => {
    const { service, decoder } = setUp();
    expect((await failure(service.chat(ask(choices)))).code).toBe('invalid_request');
    expect(decoder.requests).toEqual([]);
  });
});
