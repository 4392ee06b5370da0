import { hash } from 'node:crypto';
import { EideticError, SHARED_SCOPE } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import {
  collect,
  FakeDecoder,
  failure,
  golden,
  idsOf,
  manifest,
  picture,
  ranks,
  rawRequest,
  reference,
  request,
  setUp,
  setUpResolver,
  special,
  text,
  textOf,
} from '../test/chat-parts.ts';
import { openChatFamily } from './family.ts';
import type { ChatRequest } from './types.ts';

describe('a chat', () => {
  it('asks the decoder with the ids of the reference and answers with its text, boxes in pixels', async () => {
    const { output_ids, output_text, prompt_ids } = golden('17-ground-en');
    const { service, decoder } = setUp({ decoder: new FakeDecoder(output_ids) });
    const events = await collect(service.chat(request([picture(5), text('Frame the steam train in the picture.')])));
    expect(decoder.requests[0]?.prompt.flatMap((each) => (each.kind === 'tokens' ? each.ids : []))).toEqual(
      prompt_ids.filter((id) => id !== special['<imgpad>']),
    );
    expect(textOf(events)).toBe(output_text);
    expect(events.filter(({ kind }) => kind === 'grounding')).toEqual([
      {
        kind: 'grounding',
        choice: 0,
        grounding: { text: 'the steam train', box: { x1: 105, y1: 5, x2: 453, y2: 154 }, imageIndex: 0 },
      },
    ]);
    expect(events[0]).toEqual({
      kind: 'started',
      images: [{ imageId: hash('sha256', Uint8Array.of(5), 'hex'), width: 500, height: 200, cached: false }],
      promptTokens: prompt_ids.length,
    });
    expect(events.at(-1)).toEqual({
      kind: 'finished',
      reason: 'stop',
      usage: {
        promptTokens: prompt_ids.length,
        imageTokens: 64,
        cachedTokens: 7,
        completionTokens: output_ids.length,
      },
      timings: { imagesMs: 10, decoderMs: 20, firstTokenMs: 30, totalMs: 40 },
    });
  });

  it('gives a box to the picture that the answer names, otherwise to the latest', async () => {
    const box = '<box>(0,0),(500,500)</box>';
    const { service } = setUp({ decoder: new FakeDecoder(idsOf(`${box}Picture 1: ${box}`)) });
    const events = await collect(service.chat(request([picture(1), picture(2), text('Where?')])));
    const found = events.flatMap((event) => (event.kind === 'grounding' ? [event.grounding] : []));
    expect(found.map(({ imageIndex, box: { x2 } }) => [imageIndex, x2])).toEqual([
      [1, 100],
      [0, 50],
    ]);
  });

  it('takes a box without any picture for text', async () => {
    const { service } = setUp({ decoder: new FakeDecoder(idsOf('<box>(0,0),(500,500)</box>')) });
    const events = await collect(service.chat(request([text('Where?')])));
    expect(events.map(({ kind }) => kind)).not.toContain('grounding');
  });

  it('ends before a stop string and lets go of the decoder', async () => {
    const decoder = new FakeDecoder(idsOf('one two three four five'));
    const { service } = setUp({ decoder });
    const events = await collect(service.chat(request([text('Count.')], { stop: ['three'] })));
    expect(textOf(events)).toBe('one two ');
    expect(events.at(-1)).toMatchObject({ reason: 'stop', usage: { completionTokens: decoder.given } });
    expect(decoder.given).toBeLessThan(decoder.ids.length);
    expect(decoder.released).toBe(1);
  });

  it('fills in defaults, and lets the request override them', async () => {
    const { service, decoder } = setUp();
    await collect(service.chat(request([text('Hi')], { sampling: { temperature: 1, seed: 3 } })));
    await collect(service.chat(request([text('Hi')])));
    expect(decoder.requests.map(({ sampling }) => [sampling.temperature, sampling.seed, sampling.topP])).toEqual([
      [1, 3, 1],
      [0, 42, 1],
    ]);
    expect(decoder.requests[0]).toMatchObject({ maxTokens: 512, stopTokenIds: [4098, 4097, 4096] });
  });

  it('frees the decoder when the caller leaves mid-stream', async () => {
    const decoder = new FakeDecoder(idsOf('one two three'));
    const { service } = setUp({ decoder });
    for await (const event of service.chat(request([text('Count.')]))) if (event.kind === 'text') break;
    expect(decoder.released).toBe(1);
    expect(decoder.given).toBe(1);
  });

  it('is cancelled by its signal, or by a deadline', async () => {
    for (const [reason, code] of [
      [undefined, 'cancelled'],
      ['gone', 'cancelled'],
      [new DOMException('late', 'TimeoutError'), 'deadline_exceeded'],
    ] as const) {
      const { service } = setUp({ decoder: new FakeDecoder(idsOf('one two three')) });
      const controller = new AbortController();
      const run = async () => {
        for await (const event of service.chat(request([text('Count.')]), controller.signal)) {
          if (event.kind === 'text') controller.abort(reason);
        }
      };
      await expect(run()).rejects.toMatchObject({ code });
    }
  });
});

describe('the context', () => {
  const prompt = golden('28-talk-en').prompt_ids.length;
  const ask = (maxContext: number, maxTokens?: number) => {
    const parts = setUp({ decoder: new FakeDecoder([], maxContext) });
    const more = maxTokens === undefined ? {} : { maxTokens };
    return { ...parts, events: parts.service.chat(request([text('who r u')], more)) };
  };

  it('caps the default length of an answer to what is left', async () => {
    const { events, decoder } = ask(prompt + 5);
    await collect(events);
    expect(decoder.requests[0]?.maxTokens).toBe(5);
  });

  it('accepts an answer that fits exactly and refuses one token more, with the numbers', async () => {
    const fits = ask(prompt + 5, 5);
    await collect(fits.events);
    expect(fits.decoder.requests[0]?.maxTokens).toBe(5);
    const error = await failure(ask(prompt + 5, 6).events);
    expect(error.code).toBe('context_length_exceeded');
    expect(error.details).toEqual({ promptTokens: prompt, maxTokens: 6, maxContext: prompt + 5, param: 'maxTokens' });
  });

  it('refuses a prompt that leaves no room, saying by how much', async () => {
    const error = await failure(ask(prompt - 9).events);
    expect(error.code).toBe('context_length_exceeded');
    expect(error.message).toContain(`${prompt} tokens, 10 more than fit`);
    expect((await failure(ask(prompt).events)).message).toContain(`${prompt} tokens, 1 more than fit`);
  });

  it('refuses a text that cannot fit before it looks at pictures', async () => {
    const { service, vision } = setUp();
    const error = await failure(service.chat(request([picture(1), text('a'.repeat(2_000_000))])));
    expect(error.code).toBe('context_length_exceeded');
    expect(vision.batches).toEqual([]);
  });

  it('refuses pictures that cannot fit before it looks at them', async () => {
    const { service, vision } = setUp({ decoder: new FakeDecoder([], 100) });
    const error = await failure(service.chat(request([picture(1), picture(2), text('?')])));
    expect(error.code).toBe('context_length_exceeded');
    expect(error.message).toContain(`at least ${2 * vision.tokensPerImage + 1} tokens`);
    expect(vision.batches).toEqual([]);
  });
});

describe('the pictures of a chat', () => {
  it('are encoded in one batch, each once, and never again', async () => {
    const { service, vision } = setUp();
    await collect(service.chat(request([picture(1), picture(2), picture(1), text('?')])));
    expect(vision.batches).toEqual([[1, 2]]);
    const [started] = await collect(service.chat(request([picture(2), picture(3), reference(1), text('?')])));
    expect(vision.batches).toEqual([[1, 2], [3]]);
    expect(started).toMatchObject({ images: [{ cached: true }, { cached: false }, { cached: true, width: 100 }] });
  });

  it('are encoded once for all requests that bring them at the same time', async () => {
    const { service, vision } = setUp();
    const gate = Promise.withResolvers<void>();
    vision.hold = gate.promise;
    const chats = [picture(1), picture(1), reference(1)].map((part) =>
      collect(service.chat(request([part, text('?')]))),
    );
    await until(() => vision.batches.length > 0);
    gate.resolve();
    for (const events of await Promise.all(chats)) expect(events[0]).toMatchObject({ images: [{ width: 100 }] });
    expect(vision.batches).toEqual([[1]]);
  });

  it('wait to be encoded while one request waits for them, and are dropped when none does', async () => {
    const { service, vision } = setUp();
    const gate = Promise.withResolvers<void>();
    vision.hold = gate.promise;
    const first = collect(service.chat(request([picture(9), text('?')])));
    await until(() => vision.batches.length > 0);
    // The encoder is busy: these wait in the queue.
    const callers = [new AbortController(), new AbortController(), new AbortController()];
    const chats = [1, 1, 2].map((n, i) => {
      return collect(service.chat(request([picture(n), text('?')]), callers[i]?.signal)).catch((error) => error);
    });
    callers[0]?.abort();
    callers[2]?.abort();
    expect(await chats[0]).toMatchObject({ code: 'cancelled' });
    expect(await chats[2]).toMatchObject({ code: 'cancelled' });
    gate.resolve();
    expect((await first)[0]).toMatchObject({ kind: 'started' });
    expect((await chats[1])[0]).toMatchObject({ kind: 'started' });
    expect(vision.batches).toEqual([[9], [1]]);
    // Who comes back finds the picture, and has it encoded then.
    await collect(service.chat(request([reference(2), text('?')])));
    expect(vision.batches).toEqual([[9], [1], [2]]);
  });

  it('are encoded past a queue, a store and a cache that fail', async () => {
    const down = new EideticError('unavailable', 'The queue is down.');
    const { resolver, vision } = setUpResolver({ ok: false, error: down });
    const context = { scope: SHARED_SCOPE, priority: 0, deadlineMs: 1e15 };
    const bytes = Uint8Array.of(3);
    const found = await resolver.resolve([{ kind: 'bytes', bytes }], context);
    expect(found).toMatchObject([{ cached: false, embedding: { imageWidth: 300 } }]);
    expect(vision.batches).toEqual([[3]]);
    // Without the bytes there is nothing to encode.
    const { imageId = '' } = found[0] ?? {};
    const again = resolver.resolve([{ kind: 'reference', imageId }], context);
    await expect(again).rejects.toMatchObject({ code: 'unavailable', message: 'Picture 1: The queue is down.' });
  });

  it('are not encoded past a queue that says what is wrong with them', async () => {
    const broken = new EideticError('invalid_image', 'This is no picture.');
    const { resolver, vision } = setUpResolver({ ok: false, error: broken });
    const context = { scope: SHARED_SCOPE, priority: 0, deadlineMs: 1e15 };
    const refused = resolver.resolve([{ kind: 'bytes', bytes: Uint8Array.of(0) }], context);
    await expect(refused).rejects.toMatchObject({ code: 'invalid_image' });
    expect(vision.batches).toEqual([]);
  });

  it('name the one that cannot be decoded, and keep its neighbours', async () => {
    const { service, vision, stored } = setUp();
    const error = await failure(service.chat(request([picture(1), picture(0), text('?')])));
    expect(error).toMatchObject({ code: 'invalid_image', message: 'Picture 2: This is no picture.' });
    expect(error.details).toMatchObject({ picture: 1 });
    expect(stored.size).toBe(1);
    await failure(service.chat(request([picture(0), text('?')])));
    expect(vision.batches).toEqual([[1, 0], [0]]);
  });

  it.each([
    ['unsupported_image_source', [reference(9)], 'Send the picture'],
    [
      'unsupported_image_source',
      [{ kind: 'image', source: { kind: 'reference', imageId: '../x' } } as const],
      'sha256',
    ],
    ['too_many_images', [1, 2, 3, 4, 5].map(picture), '5 pictures'],
  ])('are refused with %s', async (code, parts, message) => {
    const { service, decoder } = setUp();
    const error = await failure(service.chat(request([...parts, text('?')])));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(decoder.requests).toEqual([]);
  });
});

describe('openChatFamily', () => {
  it('refuses a bundle of a family that it does not know', () => {
    expect(() => openChatFamily({ ...manifest, family: 'toString' }, ranks)).toThrow(/'toString'.*qwen-vl/);
  });
});

describe('a request', () => {
  const hi = request([text('Hi')]);
  it.each<[string, ChatRequest, string]>([
    ['an empty dialog', { ...hi, messages: [] }, 'messages'],
    ['an empty raw prompt', rawRequest([text('')]), 'prompt'],
    ['an empty stop string', { ...hi, stop: [''] }, 'stop'],
    ['no tokens', { ...hi, maxTokens: 0 }, 'maxTokens'],
  ])('is refused with %s', async (_, refused, param) => {
    const error = await failure(setUp().service.chat(refused));
    expect(error).toMatchObject({ code: 'invalid_request', details: { param } });
  });
});

describe('a raw prompt', () => {
  const ids = (decoder: FakeDecoder) =>
    decoder.requests[0]?.prompt.map((segment) => (segment.kind === 'tokens' ? segment.ids : segment.tokens));

  it('reaches the decoder as it is, pictures in their marks, and nothing in its text is a mark', async () => {
    const { service, decoder } = setUp();
    await collect(service.chat(rawRequest([picture(1), text('A <|im_end|>'), picture(2), text('B</img>')])));
    const { '<img>': open = -1, '</img>': close = -1 } = special;
    expect(ids(decoder)).toEqual([
      [open],
      64,
      [close, ...idsOf('A <|im_end|>'), open],
      64,
      [close, ...idsOf('B</img>')],
    ]);
  });

  it('may end within a region that the answer closes', async () => {
    const { service } = setUp({ decoder: new FakeDecoder(idsOf('(0,0),(500,500)</box>')) });
    const events = await collect(service.chat(rawRequest([picture(3), text('<ref>a dog</ref><box>')])));
    expect(textOf(events)).toBe('(0,0),(500,500)</box>');
    expect(events.flatMap((event) => (event.kind === 'grounding' ? [event.grounding] : []))).toEqual([
      { text: 'a dog', box: { x1: 0, y1: 0, x2: 150, y2: 100 }, imageIndex: 0 },
    ]);
  });

  it('does not end where the next turn of a dialog would begin', async () => {
    const decoder = new FakeDecoder(idsOf('one Human: two'));
    const { service } = setUp({ decoder, format: 'raw' });
    expect(textOf(await collect(service.chat(rawRequest([text('Count:')]))))).toBe('one Human: two');
  });

  it('that is too long is refused by its name', async () => {
    const { service } = setUp({ decoder: new FakeDecoder([], 8) });
    expect(await failure(service.chat(rawRequest([text('one two three four five six')])))).toMatchObject({
      code: 'context_length_exceeded',
      details: { param: 'prompt' },
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
