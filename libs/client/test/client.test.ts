import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createClient, EideticApiError, type EideticClient } from '../src/index.ts';
import { answer, events, refuse, type Script, ScriptedServer, stream } from './scripted-server.ts';

const resources = new AsyncDisposableStack();
let server: ScriptedServer;
let url: string;
let client: EideticClient;

beforeEach(async () => {
  server = resources.use(new ScriptedServer());
  url = await server.start();
  client = createClient({ baseUrl: url, retries: 0 });
});
afterAll(() => resources.disposeAsync());

const model = 'nano';
const hello = { model, messages: [{ role: 'user', content: 'Hello' }] } as const;
const seen = { id: 'ab'.repeat(32), width: 200, height: 100, cached: false };
const grounding = { text: 'a cat', box: { x1: 1, y1: 2, x2: 3, y2: 4 }, imageIndex: 0 };
const timings = { imagesMs: 1, decoderMs: 2, firstTokenMs: 3, totalMs: 4 };
const usage = {
  prompt_tokens: 9,
  completion_tokens: 2,
  total_tokens: 11,
  prompt_tokens_details: { cached_tokens: 1, image_tokens: 4 },
};
const token = { token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [] };
const text = '<ref>a cat</ref><box>(1,2),(3,4)</box>';
const head = { id: 'chatcmpl-1', model };

const completion = {
  ...head,
  choices: [
    { index: 0, message: { role: 'assistant', content: text, grounding: [grounding] }, finish_reason: 'stop' },
    { index: 1, message: { content: 'b' }, logprobs: { content: [token] }, finish_reason: 'length' },
  ],
  usage,
  eidetic: { images: [seen], timings },
};
const chunk = (index: number, delta: object, more: object = {}) => ({
  ...head,
  choices: [{ index, delta, logprobs: null, finish_reason: null, ...more }],
  usage: null,
});
const chunks = [
  { ...chunk(0, { role: 'assistant', content: '' }), eidetic: { images: [seen] } },
  chunk(1, { role: 'assistant', content: '' }),
  chunk(0, { content: '<ref>a cat</ref>' }),
  chunk(1, { content: 'b' }, { logprobs: { content: [token] } }),
  chunk(0, { content: '<box>(1,2),(3,4)</box>' }),
  chunk(0, { grounding: [grounding] }),
  chunk(0, {}, { finish_reason: 'stop' }),
  { ...chunk(1, {}, { finish_reason: 'length' }), eidetic: { timings } },
  { ...head, choices: [], usage },
];
const whole = {
  id: 'chatcmpl-1',
  model,
  text,
  grounding: [grounding],
  finishReason: 'stop',
  message: { role: 'assistant', content: text },
  choices: [
    { text, grounding: [grounding], finishReason: 'stop' },
    { text: 'b', grounding: [], logprobs: [token], finishReason: 'length' },
  ],
  images: [seen],
  usage,
  timings,
};
const done = 'data: [DONE]\n\n';

const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (reason) => reason,
  );
const all = (from: EideticClient = client) => Array.fromAsync(from.streamChat(hello));

describe('chat', () => {
  it('gives the whole answer', async () => {
    server.script(answer(completion));
    expect(await client.chat({ ...hello, n: 2, temperature: 0 })).toEqual(whole);
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      body: { ...hello, n: 2, temperature: 0 },
    });
  });

  it('asks for the model that is served, once, when none is named', async () => {
    server.script(answer({ data: [{ id: 'served' }] }), answer(completion), answer(completion));
    await client.chat({ messages: hello.messages });
    await client.chat({ messages: hello.messages });
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/v1/models',
      ...new Array(2).fill('/v1/chat/completions'),
    ]);
    expect(server.requests[2]?.body).toMatchObject({ model: 'served' });
  });

  it.each(['', '/', '/v1', '/v1/'])('finds the API when the address ends with %j', async (end) => {
    server.script(answer(completion));
    await createClient({ baseUrl: url + end }).chat(hello);
    expect(server.requests[0]?.path).toBe('/v1/chat/completions');
  });

  it('shows its API key', async () => {
    server.script(answer(completion), answer(completion));
    await createClient({ baseUrl: url, apiKey: 'sk-1' }).chat(hello);
    await client.chat(hello);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-1', undefined]);
  });

  it.each([
    ['JSON without choices', answer({ hello: 1 })],
    ['an empty list of choices', answer({ choices: [] })],
    ['a page', ((response) => response.end('<h1>Hi</h1>')) satisfies Script],
  ])('does not take %s for an answer', async (_, script) => {
    server.script(script);
    expect(await failureOf(client.chat(hello))).toMatchObject({
      name: 'EideticConnectionError',
      reason: 'invalid_response',
    });
  });
});

describe('streamChat', () => {
  it('gives each event as it comes, and the whole answer at the end', async () => {
    server.script(stream([': waiting\n\n', ...events(...chunks), done]));
    expect(await all()).toEqual([
      { kind: 'started', id: 'chatcmpl-1', model, images: [seen] },
      { kind: 'text', choice: 0, text: '<ref>a cat</ref>' },
      { kind: 'text', choice: 1, text: 'b' },
      { kind: 'logprobs', choice: 1, tokens: [token] },
      { kind: 'text', choice: 0, text: '<box>(1,2),(3,4)</box>' },
      { kind: 'grounding', choice: 0, grounding },
      { kind: 'ended', choice: 0, finishReason: 'stop' },
      { kind: 'ended', choice: 1, finishReason: 'length' },
      { kind: 'finished', answer: whole },
    ]);
    expect(server.requests[0]?.body).toEqual({ ...hello, stream: true, stream_options: { include_usage: true } });
  });

  it('throws the error that comes within the stream', async () => {
    const failed = { error: { message: 'Down.', type: 'server_error', param: null, code: 'unavailable' } };
    server.script(stream([...events(...chunks.slice(0, 3)), `event: error\ndata: ${JSON.stringify(failed)}\n\n`]));
    const got: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const { kind } of createClient({ baseUrl: url }).streamChat(hello)) got.push(kind);
    };
    expect(await failureOf(reading())).toMatchObject({ code: 'unavailable', status: undefined, requestId: 'req-8' });
    expect(got).toEqual(['started', 'text']);
    expect(server.requests).toHaveLength(1);
  });

  it.each(['close', 'cut'] as const)('does not take a stream that ends too early for whole (%s)', async (end) => {
    server.script(stream(events(...chunks.slice(0, 3)), end));
    const retrying = createClient({ baseUrl: url, retries: 2 });
    expect(await failureOf(all(retrying))).toMatchObject({ name: 'EideticConnectionError', reason: 'interrupted' });
    expect(server.requests).toHaveLength(1);
  });

  it('closes the connection when the reader leaves', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    server.script((response, request) => {
      response.once('close', resolve);
      stream(events(...chunks.slice(0, 3)), 'open')(response, request);
    });
    for await (const { kind } of client.streamChat(hello)) if (kind === 'text') break;
    await closed;
  });
});

describe('errors', () => {
  it('are typed, with all that the server says', async () => {
    server.script(refuse(400, 'context_length_exceeded'));
    const error = await failureOf(client.chat(hello));
    expect(error).toBeInstanceOf(EideticApiError);
    expect(error).toMatchObject({
      message: 'It is context_length_exceeded.',
      status: 400,
      code: 'context_length_exceeded',
      param: 'messages',
      requestId: 'req-7',
    });
  });

  it('say when nobody answers', async () => {
    await server[Symbol.asyncDispose]();
    server = resources.use(new ScriptedServer());
    expect(await failureOf(client.chat(hello))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringMatching(/running/),
    });
  });

  it('say when nothing comes for too long, before and within an answer', async () => {
    const impatient = createClient({ baseUrl: url, timeoutMs: 50, retries: 2 });
    server.script(() => undefined, stream(events(...chunks.slice(0, 3)), 'open'));
    expect(await failureOf(impatient.chat(hello))).toMatchObject({ reason: 'timeout' });
    expect(await failureOf(all(impatient))).toMatchObject({ reason: 'timeout' });
    expect(server.requests).toHaveLength(2);
  });

  it('are the caller’s own reason when the caller leaves', async () => {
    const reason = new Error('enough');
    for (const work of [
      (signal: AbortSignal) => client.chat(hello, { signal }),
      (signal: AbortSignal) => Array.fromAsync(client.streamChat(hello, { signal })),
      (signal: AbortSignal) => client.models({ signal }),
    ]) {
      const leaving = new AbortController();
      server.script(() => leaving.abort(reason));
      expect(await failureOf(work(leaving.signal))).toBe(reason);
      expect(await failureOf(work(leaving.signal))).toBe(reason);
    }
    expect(server.requests).toHaveLength(3);
  });

  it('end a stream that has begun with the caller’s reason', async () => {
    const leaving = new AbortController();
    const reason = new Error('enough');
    server.script(stream(events(...chunks.slice(0, 3)), 'open'));
    const reading = async (): Promise<void> => {
      for await (const { kind } of client.streamChat(hello, { signal: leaving.signal })) {
        if (kind === 'text') leaving.abort(reason);
      }
    };
    expect(await failureOf(reading())).toBe(reason);
  });
});

describe('models', () => {
  it('lists what the server serves', async () => {
    const served = [{ id: 'nano', object: 'model', created: 1, owned_by: 'eidetic' }];
    server.script(answer({ object: 'list', data: served }));
    expect(await client.models()).toEqual(served);
  });
});
