import { once } from 'node:events';
import type { ChatRequest } from '@eidetic/chat';
import { BodyBudget, EideticError } from '@eidetic/core';
import { ChatServiceDefinition, FinishReason, Role } from '@eidetic/proto';
import type { Tracer } from '@eidetic/telemetry';
import { describe, expect, it } from 'vitest';
import { ANSWER, doorkeeper, MODEL, message, scripted, serve } from './serve.ts';

/** On a machine that has other things to do. */
const SOON = { timeout: 10_000 };

type Channel = Awaited<ReturnType<typeof serve>>['channel'];
type Options = Parameters<Channel['stream']>[3];

const ask = (channel: Channel, fields: Parameters<typeof message>[0] = {}, options: Options = {}) =>
  Array.fromAsync(channel.stream(ChatServiceDefinition, 'chat', message(fields), options));
const picture = Uint8Array.of(1, 2, 3);
const imageId = 'a'.repeat(64);

/** Says one word, then waits to be told to end. */
const endless = () => {
  const ended = Promise.withResolvers<unknown>();
  const chat = scripted(async function* (_, signal) {
    yield* ANSWER.slice(0, 2);
    if (!signal.aborted) await once(signal, 'abort');
    ended.resolve(signal.reason);
    throw signal.reason;
  });
  return { chat, ended: ended.promise };
};

describe('a chat', () => {
  it('reaches the chat service whole', async () => {
    const chat = scripted();
    const { channel } = await serve({ chat });
    await ask(channel, {
      model: MODEL,
      messages: [
        { role: Role.ROLE_SYSTEM, content: [{ part: { $case: 'text', value: 'Be brief.' } }] },
        {
          role: Role.ROLE_USER,
          content: [
            { part: { $case: 'image', value: { source: { $case: 'data', value: picture } } } },
            { part: { $case: 'image', value: { source: { $case: 'imageId', value: imageId } } } },
            { part: { $case: 'image', value: { source: { $case: 'url', value: 'https://a/b.png' } } } },
            { part: { $case: 'text', value: 'What?' } },
          ],
        },
        { role: Role.ROLE_ASSISTANT, content: [{ part: { $case: 'text', value: 'That.' } }] },
      ],
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 7,
        minP: 0.1,
        repetitionPenalty: 1.1,
        presencePenalty: -1,
        frequencyPenalty: 1,
        logitBias: new Map([[5, -3]]),
        seed: -9_007_199_254_740_991n,
      },
      maxTokens: 12,
      stop: ['END'],
      choices: 2,
      logprobs: 3,
      grammar: { language: { $case: 'regex', value: 'a+' } },
      ignoreEos: true,
      minTokens: 9,
      priority: -4,
    });
    const [request] = chat.requests;
    expect(request).toMatchObject({
      requestId: expect.stringMatching(/^chat-/),
      messages: [
        { role: 'system', content: [{ kind: 'text', text: 'Be brief.' }] },
        {
          role: 'user',
          content: [
            { kind: 'image', source: { kind: 'bytes' } },
            { kind: 'image', source: { kind: 'reference', imageId } },
            { kind: 'image', source: { kind: 'url', url: 'https://a/b.png' } },
            { kind: 'text', text: 'What?' },
          ],
        },
        { role: 'assistant', content: [{ kind: 'text', text: 'That.' }] },
      ],
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 7,
        minP: 0.1,
        repetitionPenalty: 1.1,
        presencePenalty: -1,
        frequencyPenalty: 1,
        logitBias: new Map([[5, -3]]),
        seed: -9_007_199_254_740_991,
      },
      maxTokens: 12,
      stop: ['END'],
      choices: 2,
      logprobs: 3,
      grammar: { kind: 'regex', pattern: 'a+' },
      ignoreEos: true,
      minTokens: 9,
      priority: -4,
    });
    const [part] = request?.messages?.[1]?.content ?? [];
    expect(part?.kind === 'image' && part.source.kind === 'bytes' && [...part.source.bytes]).toEqual([1, 2, 3]);
  });

  it('leaves to the model what it does not say', async () => {
    const chat = scripted();
    const { channel } = await serve({ chat });
    await ask(channel, { sampling: { logitBias: new Map() } as never });
    const { sampling, maxTokens, choices, logprobs, grammar } = chat.requests[0] ?? ({} as ChatRequest);
    expect([sampling, maxTokens, choices, logprobs, grammar]).toEqual([{}, undefined, undefined, undefined, undefined]);
  });

  it('may be a raw prompt', async () => {
    const chat = scripted();
    const { channel } = await serve({ chat });
    await ask(channel, { messages: [], prompt: [{ part: { $case: 'text', value: 'Once' } }] });
    expect(chat.requests).toMatchObject([{ prompt: [{ kind: 'text', text: 'Once' }] }]);
  });

  it('is answered with its events, text that comes together in one message', async () => {
    const { channel, answered, ended } = await serve();
    const events = (await ask(channel)).map(({ event }) => event);
    const id = answered[0]?.id;
    expect(events).toEqual([
      {
        $case: 'started',
        value: {
          id,
          model: MODEL,
          images: [{ imageId: 'ab12', width: 640, height: 480, cached: true }],
          promptTokens: 300,
        },
      },
      { $case: 'text', value: { choice: 0, text: 'A <ref>cat</ref><box>(1,2),(3,4)</box>', tokens: [] } },
      {
        $case: 'grounding',
        value: {
          choice: 0,
          grounding: { text: 'cat', box: { x1: 1, y1: 2, x2: 3, y2: 4 }, quad: [], imageIndex: 0 },
        },
      },
      { $case: 'ended', value: { choice: 0, reason: FinishReason.FINISH_REASON_STOP } },
      {
        $case: 'finished',
        value: {
          reason: FinishReason.FINISH_REASON_STOP,
          usage: { promptTokens: 300, imageTokens: 256, cachedTokens: 280, completionTokens: 12 },
          timings: { imagesMs: 1, decoderMs: 2, firstTokenMs: 2.25, totalMs: 3 },
        },
      },
    ]);
    expect(answered).toMatchObject([{ reason: 'stop', usage: { promptTokens: 300 } }]);
    expect(ended).toMatchObject([{ method: '/eidetic.v1.ChatService/Chat', code: 'ok' }]);
  });
});

describe('a chat that is wrong', () => {
  const user = Role.ROLE_USER;
  const text = { part: { $case: 'text', value: 'Hi' } } as const;
  const content = (part: object) => ({ messages: [{ role: user, content: [text, part] }] });
  const image = (source: object | undefined) => content({ part: { $case: 'image', value: { source } } });
  it.each<[string, object, string, string?]>([
    ['another model', { model: 'gpt' }, 'model', 'model_not_found'],
    ['no messages', { messages: [] }, 'messages'],
    ['a prompt beside messages', { prompt: [text] }, 'prompt'],
    ['no role', { messages: [{ role: 0, content: [text] }] }, 'messages[0].role'],
    ['a role of the future', { messages: [{ role: 9, content: [text] }] }, 'messages[0].role'],
    ['no content', { messages: [{ role: user, content: [] }] }, 'messages[0].content'],
    ['a part of no kind', content({ part: undefined }), 'messages[0].content[1]'],
    ['a picture from nowhere', image(undefined), 'messages[0].content[1].image'],
    ['an empty picture', image({ $case: 'data', value: Uint8Array.of() }), 'messages[0].content[1].image.data'],
    ['a bad id', image({ $case: 'imageId', value: 'A'.repeat(64) }), 'messages[0].content[1].image.image_id'],
    ['no tokens', { maxTokens: 0 }, 'max_tokens'],
    ['too many stop strings', { stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
    ['an empty stop string', { stop: ['a', ''] }, 'stop[1]'],
    ['no answer', { choices: 0 }, 'choices'],
    ['too many answers', { choices: 9 }, 'choices'],
    ['too many log probabilities', { logprobs: 21 }, 'logprobs'],
    ['a grammar of no kind', { grammar: { language: undefined } }, 'grammar'],
    ['a priority that gets past all others', { priority: 101 }, 'priority'],
    ['a negative temperature', { sampling: { temperature: -1, logitBias: new Map() } }, 'sampling.temperature'],
    ['no number', { sampling: { temperature: Number.NaN, logitBias: new Map() } }, 'sampling.temperature'],
    ['a top_p of 0', { sampling: { topP: 0, logitBias: new Map() } }, 'sampling.top_p'],
    ['a min_p above 1', { sampling: { minP: 1.5, logitBias: new Map() } }, 'sampling.min_p'],
    [
      'a repetition penalty of 0',
      { sampling: { repetitionPenalty: 0, logitBias: new Map() } },
      'sampling.repetition_penalty',
    ],
    ['a large penalty', { sampling: { presencePenalty: 3, logitBias: new Map() } }, 'sampling.presence_penalty'],
    [
      'a large penalty again',
      { sampling: { frequencyPenalty: 3, logitBias: new Map() } },
      'sampling.frequency_penalty',
    ],
    ['an infinite bias', { sampling: { logitBias: new Map([[3, Infinity]]) } }, 'sampling.logit_bias[3]'],
    [
      'many biases',
      { sampling: { logitBias: new Map(Array.from({ length: 1025 }, (_, i) => [i, 1])) } },
      'sampling.logit_bias',
    ],
    ['a seed that is no safe number', { sampling: { seed: 2n ** 53n, logitBias: new Map() } }, 'sampling.seed'],
  ])('is refused with the path of the field: %s', async (_, fields, param, code = 'invalid_request') => {
    const chat = scripted();
    const { channel } = await serve({ chat });
    await expect(ask(channel, fields)).rejects.toMatchObject({ code, details: { param } });
    await expect(ask(channel, fields)).rejects.toThrow(new RegExp(`^${param.replace(/[[\].]/g, '\\$&')}: `));
    expect(chat.requests).toEqual([]);
  });

  it.each([
    [{ param: 'maxTokens' }, 'max_tokens'],
    [{ param: 'logit_bias' }, 'sampling.logit_bias'],
    [{ param: 'messages' }, 'messages'],
    [{ picture: 1 }, 'messages[1].content[0].image'],
  ])('is refused by the chat service in terms of the message: %o', async (details, param) => {
    const chat = scripted(() => {
      throw new EideticError('invalid_image', 'No.', { details });
    });
    const { channel } = await serve({ chat });
    const image = { part: { $case: 'image', value: { source: { $case: 'data', value: picture } } } } as const;
    const messages = [
      { role: user, content: [text, image] },
      { role: user, content: [image, text] },
    ];
    const refused = expect(ask(channel, { messages })).rejects;
    await refused.toMatchObject({ code: 'invalid_image', message: 'No.', details: { param } });
  });
});

describe('a chat that ends early', () => {
  it('stops the work when its caller leaves, and lets them out', async () => {
    const { chat, ended } = endless();
    const { access, state } = doorkeeper(async () => ({ tenant: 't', release: () => undefined }));
    const { channel } = await serve({ chat, access });
    for await (const { event } of channel.stream(ChatServiceDefinition, 'chat', message())) {
      expect(state.inside).toBe(1);
      if (event?.$case === 'text') break;
    }
    expect(await ended).toMatchObject({ code: 'cancelled' });
    await expect.poll(() => state.inside, SOON).toBe(0);
  });

  it('ends at its deadline, which the chat service knows', async () => {
    const { chat, ended } = endless();
    const { channel } = await serve({ chat });
    const deadlineMs = Date.now() + 1000;
    await expect(ask(channel, {}, { deadlineMs })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    // Whichever of the two clocks goes first.
    expect(await ended).toMatchObject({ code: expect.stringMatching(/^(deadline_exceeded|cancelled)$/) });
    expect(Math.abs((chat.requests[0]?.deadlineMs ?? 0) - deadlineMs)).toBeLessThan(10_000);
  });

  it('ends at the longest duration of the server, when its caller has time', async () => {
    const { chat, ended } = endless();
    const { channel } = await serve({ chat, limits: { maxBodyBytes: 1000, requestDeadlineMs: 200 } });
    await expect(ask(channel)).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringMatching(/200 ms/),
    });
    expect(await ended).toMatchObject({ code: 'deadline_exceeded' });
  });

  it('tells an unforeseen failure to the log only', async () => {
    const chat = scripted(async function* () {
      yield* ANSWER.slice(0, 1);
      throw new Error('hunter2');
    });
    const { channel, ended } = await serve({ chat });
    const refused = expect(ask(channel)).rejects;
    await refused.toMatchObject({ code: 'internal', message: expect.not.stringContaining('hunter2') });
    expect(ended).toMatchObject([{ code: 'internal', error: { message: 'hunter2' } }]);
  });
});

describe('admission', () => {
  const { access, state } = doorkeeper(async ({ apiKey }) => {
    if (apiKey === 'full') throw new EideticError('rate_limited', 'Later.', { details: { retryAfterMs: 1500 } });
    if (apiKey !== 'good') throw new EideticError('invalid_api_key', 'Bring a key.');
    return { tenant: 'them', release: () => undefined };
  });

  it('lets in those with a good key, as their tenant', async () => {
    const chat = scripted();
    const { channel } = await serve({ chat, access });
    await ask(channel, {}, { apiKey: 'good' });
    expect(chat.requests).toMatchObject([{ tenant: 'them' }]);
    expect(state.inside).toBe(0);
  });

  it.each([
    ['bad', { code: 'invalid_api_key' }],
    [undefined, { code: 'invalid_api_key' }],
    ['full', { code: 'rate_limited', details: { retryAfterMs: 1500 } }],
  ])('refuses others, whatever they ask for: %s', async (apiKey, refusal) => {
    const { channel, ended } = await serve({ access });
    await expect(ask(channel, { model: 'other' }, { apiKey })).rejects.toMatchObject(refusal);
    const models = channel.unary(ChatServiceDefinition, 'listModels', {}, { apiKey });
    await expect(models).rejects.toMatchObject(refusal);
    expect(ended.map(({ code }) => code)).toEqual([refusal.code, refusal.code]);
  });

  it('holds the memory of a message until it is answered', async () => {
    const { chat } = endless();
    const { channel } = await serve({ chat, bodies: new BodyBudget(1000) });
    const large = 'x'.repeat(600);
    const fields = { prompt: [{ part: { $case: 'text', value: large } }], messages: [] } as const;
    const first = channel.stream(ChatServiceDefinition, 'chat', message(fields));
    await first.next();
    await expect(ask(channel, fields)).rejects.toMatchObject({ code: 'overloaded' });
    await first.return();
    const attempt = async () => {
      for await (const _ of channel.stream(ChatServiceDefinition, 'chat', message(fields))) return 'let in';
      return 'told nothing';
    };
    await expect.poll(() => attempt().catch(({ code }) => code), SOON).toBe('let in');
  });
});

describe('a trace', () => {
  it('goes on from the caller through the span of the call', async () => {
    const spans: string[] = [];
    const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const OWN = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';
    const tracer: Tracer = {
      start(name, options) {
        spans.push(`${name} from ${options?.parent}`);
        return {
          traceparent: OWN,
          set: () => undefined,
          event: () => undefined,
          fail: () => spans.push('failed'),
          end: () => spans.push('ended'),
        };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const chat = scripted();
    const { channel } = await serve({ chat, tracer: () => tracer });
    await ask(channel, {}, { traceparent: PARENT });
    expect(chat.requests).toMatchObject([{ traceparent: OWN }]);
    expect(spans).toEqual([`eidetic.v1.ChatService/Chat from ${PARENT}`, 'ended']);
  });
});

describe('the models', () => {
  it('are told with what is known of them', async () => {
    const facts = { revision: 'r', maxContext: 2048, maxImages: 8, tokensPerImage: 64 };
    const { channel } = await serve({ chat: { ...scripted(), facts } });
    expect(await channel.unary(ChatServiceDefinition, 'listModels', {})).toEqual({ models: [{ name: MODEL, facts }] });
    const loading = await serve();
    const { models } = await loading.channel.unary(ChatServiceDefinition, 'listModels', {});
    expect(models).toEqual([{ name: MODEL, facts: undefined }]);
  });
});
