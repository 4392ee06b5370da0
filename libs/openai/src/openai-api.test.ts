import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import type { ChatEvent } from '@eidetic/chat';
import { EideticError, ERROR_KINDS, type ErrorCode } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { ANSWER, chatThat, MODEL, play, post, serve, USER_SAYS_HI } from '../test/serve.ts';

const BODY = { model: MODEL, messages: USER_SAYS_HI };
const GROUNDING = { text: 'cat', box: { x1: 1, y1: 2, x2: 3, y2: 4 }, imageIndex: 0 };
const IMAGES = [{ id: 'ab12', width: 640, height: 480, cached: true }];
const TIMINGS = { imagesMs: 1, decoderMs: 2.1, firstTokenMs: 2.3, totalMs: 3.2 };
const USAGE = {
  prompt_tokens: 300,
  completion_tokens: 12,
  total_tokens: 312,
  prompt_tokens_details: { cached_tokens: 280, image_tokens: 256 },
};

const answering = () => serve(chatThat(() => play(ANSWER)).service);
const events = (stream: string): string[] => stream.split('\n\n').filter((event) => event !== '');
const chunksOf = (stream: string) =>
  events(stream)
    .slice(0, -1)
    .map((event) => JSON.parse(event.replace(/^data: /, '')));

/** All that a server sends to a client that sends `text`, until it closes the connection. */
const exchange = async (text: string): Promise<string> => {
  const url = new URL(await answering().listen());
  const socket = createConnection(Number(url.port), url.hostname).setEncoding('utf8');
  socket.write(text);
  let reply = '';
  for await (const piece of socket) reply += piece;
  return reply;
};

/** The socket of a client that asks for a stream and then reads nothing of it. */
const stalledReader = async (app: ReturnType<typeof serve>): Promise<Socket> => {
  const url = new URL(await app.listen());
  const body = JSON.stringify({ ...BODY, stream: true });
  const socket = createConnection(Number(url.port), url.hostname);
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, 'readable');
  return socket;
};

/** Never ends on its own; tells when it is stopped. */
const endless = () => {
  const stopped = Promise.withResolvers<unknown>();
  const reached = Promise.withResolvers<void>();
  const { service } = chatThat(async function* (_, signal) {
    yield* ANSWER.slice(0, 2);
    reached.resolve();
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        stopped.resolve(signal.reason);
        reject(new EideticError('cancelled', 'stopped'));
      });
    });
  });
  return { service, reached: reached.promise, stopped: stopped.promise };
};

describe('an answer in one piece', () => {
  it('has text, boxes, token counts, pictures and timings', async () => {
    const response = await post(answering(), BODY);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f-]{36}$/),
      object: 'chat.completion',
      created: expect.closeTo(Date.now() / 1000, -2),
      model: MODEL,
      system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/),
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'A <ref>cat</ref><box>(1,2),(3,4)</box>.',
            refusal: null,
            grounding: [GROUNDING],
          },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: USAGE,
      eidetic: { images: IMAGES, timings: TIMINGS },
    });
  });

  it('has no grounding when the answer points at nothing', async () => {
    const app = serve(chatThat(() => play(ANSWER.filter(({ kind }) => kind !== 'grounding'))).service);
    expect((await post(app, BODY)).json().choices[0].message).not.toHaveProperty('grounding');
  });
});

describe('a streamed answer', () => {
  it('has the role and pictures first, then text and boxes as they come, then the reason and timings', async () => {
    const response = await post(answering(), { ...BODY, stream: true });
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
    const chunks = chunksOf(response.body);
    expect(chunks.map(({ choices }) => [choices[0].delta, choices[0].finish_reason])).toEqual([
      [{ role: 'assistant', content: '' }, null],
      [{ content: 'A <ref>cat</ref>' }, null],
      [{ content: '<box>(1,2),(3,4)</box>.' }, null],
      [{ grounding: [GROUNDING] }, null],
      [{}, 'stop'],
    ]);
    expect(chunks.at(0).eidetic).toEqual({ images: IMAGES });
    expect(chunks.at(-1).eidetic).toEqual({ timings: TIMINGS });
    expect(new Set(chunks.map(({ id, object, model }) => `${id} ${object} ${model}`)).size).toBe(1);
    expect(chunks[0]).toMatchObject({ object: 'chat.completion.chunk', model: MODEL });
    expect(chunks[0]).not.toHaveProperty('usage');
    expect(events(response.body).at(-1)).toBe('data: [DONE]');
  });

  it('ends with the token counts when they are asked for', async () => {
    const response = await post(answering(), { ...BODY, stream: true, stream_options: { include_usage: true } });
    const chunks = chunksOf(response.body);
    expect(chunks).toHaveLength(6);
    expect(chunks.slice(0, 5).map(({ usage }) => usage)).toEqual([null, null, null, null, null]);
    expect(chunks[5]).toMatchObject({ choices: [], usage: USAGE });
  });

  it('fails with a status when the answer fails before it starts', async () => {
    const app = serve(chatThat(() => play([], new EideticError('invalid_image', 'Image 0 is truncated.'))).service);
    const response = await post(app, { ...BODY, stream: true });
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({ message: 'Image 0 is truncated.', code: 'invalid_image' });
  });

  it('ends with an error event when the answer fails on the way', async () => {
    const failure = new EideticError('inference_failed', 'Out of memory.');
    const app = serve(chatThat(() => play(ANSWER.slice(0, 2), failure)).service);
    const response = await post(app, { ...BODY, stream: true });
    expect(response.statusCode).toBe(200);
    expect(events(response.body).at(-1)).toBe(
      'event: error\ndata: {"error":{"message":"Out of memory.","type":"server_error","param":null,"code":"inference_failed"}}',
    );
  });

  it('sends a comment while the model is silent', async () => {
    const chat = endless();
    const app = serve(chat.service, { heartbeatMs: 1, requestDeadlineMs: 200 });
    expect((await post(app, { ...BODY, stream: true })).body).toContain('\n\n: waiting\n\n');
  });
});

describe('the end of a request', () => {
  it('stops the answer when the client leaves mid-stream', async () => {
    const chat = endless();
    const url = await serve(chat.service).listen();
    const leaving = new AbortController();
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...BODY, stream: true }),
      signal: leaving.signal,
    });
    expect(response.status).toBe(200);
    await chat.reached;
    leaving.abort();
    expect(await chat.stopped).toMatchObject({ code: 'cancelled' });
  });

  it('stops the answer when the client leaves before it', async () => {
    const chat = endless();
    const url = new URL(await serve(chat.service).listen());
    const body = JSON.stringify(BODY);
    const socket = createConnection(Number(url.port), url.hostname);
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await chat.reached;
    socket.destroy();
    expect(await chat.stopped).toMatchObject({ code: 'cancelled' });
  });

  it('is a 504 when its deadline passes', async () => {
    const chat = endless();
    const response = await post(serve(chat.service, { requestDeadlineMs: 1 }), BODY);
    expect(response.statusCode).toBe(504);
    expect(response.json().error).toMatchObject({ code: 'deadline_exceeded', type: 'server_error' });
  });

  it('asks the model for no more than a slow reader takes', async () => {
    let asked = 0;
    const piece: ChatEvent = { kind: 'text', choice: 0, text: 'x'.repeat(64 * 1024) };
    const chat = chatThat(async function* () {
      yield* ANSWER.slice(0, 1);
      for (; asked < 4000; asked += 1) yield piece;
    });
    const socket = await stalledReader(serve(chat.service));
    for (let turns = 0; turns < 2000; turns += 1) await turn();
    // 250 MiB would be buffered otherwise; sockets of the loopback hold a few.
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(400);
    socket.destroy();
  });

  it('ends soon after its deadline although its reader has stalled', async () => {
    const ended = Promise.withResolvers<void>();
    const chat = chatThat(async function* () {
      try {
        for (;;) yield { kind: 'text', choice: 0, text: 'x'.repeat(64 * 1024) };
      } finally {
        ended.resolve();
      }
    });
    const socket = await stalledReader(serve(chat.service, { requestDeadlineMs: 50 }));
    await ended.promise;
    socket.destroy();
  });
});

describe('errors', () => {
  it.each(Object.keys(ERROR_KINDS) as ErrorCode[])('%s has the status and type of its kind', async (code) => {
    const app = serve(chatThat(() => play([], new EideticError(code, 'Because.'))).service);
    const response = await post(app, BODY);
    const { http, type, retryable } = ERROR_KINDS[code];
    expect(response.statusCode).toBe(http);
    expect(response.json().error).toMatchObject({ code, type, param: null });
    expect(response.headers['retry-after']).toBe(retryable ? '1' : undefined);
  });

  it.each([
    [2500, '3'],
    [20, '1'],
    [60_000, '60'],
  ])('a wait of %i ms is %s s in Retry-After', async (retryAfterMs, seconds) => {
    const error = new EideticError('overloaded', 'Later.', { details: { retryAfterMs } });
    const response = await post(serve(chatThat(() => play([], error)).service), BODY);
    expect(response.headers['retry-after']).toBe(seconds);
  });

  it('keeps the text of an unforeseen error to itself', async () => {
    const app = serve(chatThat(() => play([], new TypeError('secret path'))).service);
    const response = await post(app, BODY);
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret');
  });

  it('malformed JSON is a 400', async () => {
    const response = await post(answering(), '{"model": ');
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('JSON') });
  });

  it('a key that would change a prototype is a 400', async () => {
    expect((await post(answering(), '{"__proto__": {"model": "x"}}')).statusCode).toBe(400);
  });

  it('an empty body is a 400', async () => {
    expect((await post(answering(), '')).statusCode).toBe(400);
  });

  it.each(['application/xml', 'text/plain', ''])('content type %j is a 400 that names the right one', async (type) => {
    const response = await answering().inject({
      method: 'POST',
      url: '/v1/chat/completions',
      headers: { 'content-type': type },
      payload: JSON.stringify(BODY),
    });
    expect(response.statusCode).toBe(400);
    expect(response.json().error.message).toContain('application/json');
  });

  it('a body over the limit is a 413', async () => {
    const response = await post(answering(), { ...BODY, user: 'x'.repeat(70_000) });
    expect(response.statusCode).toBe(413);
    expect(response.json().error).toMatchObject({
      code: 'body_too_large',
      type: 'invalid_request_error',
      message: expect.stringContaining('65536 bytes'),
    });
  });

  it('a body that exceeds the memory for all bodies is a 429, until another has been answered', async () => {
    const gate = Promise.withResolvers<void>();
    const { service } = chatThat(async function* () {
      await gate.promise;
      yield* play(ANSWER);
    });
    const app = serve(service, { maxBodyBytesTogether: 1000 });
    const big = { ...BODY, user: 'x'.repeat(700) };
    const first = post(app, big);
    await expect.poll(async () => (await post(app, big)).statusCode).toBe(429);
    gate.resolve();
    expect((await first).statusCode).toBe(200);
    await expect.poll(async () => (await post(app, big)).statusCode).toBe(200);
  });

  it('a body over the limit reaches a client that is still sending, which may go on', async () => {
    const url = new URL(await answering().listen());
    const headers = { 'content-type': 'application/json', 'content-length': 8 * 2 ** 20 };
    const upload = request(new URL('/v1/chat/completions', url), { method: 'POST', headers });
    upload.flushHeaders();
    const [response] = (await once(upload, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    response.resume();
    upload.end(Buffer.alloc(8 * 2 ** 20));
    await finished(upload);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400, 'invalid_request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'invalid_request',
    ],
    [
      'a header over the limit',
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      431,
      'header_too_large',
    ],
  ])('%s is refused with an error body, and the connection closed', async (_, text, status, code) => {
    const reply = await exchange(text);
    const [head, body] = reply.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(body ?? '').error).toMatchObject({ code, type: 'invalid_request_error' });
  });

  it('an address that cannot be read is a 400 with an error body', async () => {
    const response = await answering().inject('/v1/models/%zz');
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('%zz') });
  });

  it.each(['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'] as const)('%s of the chat route is a 405', async (method) => {
    const response = await answering().inject({ method, url: '/v1/chat/completions' });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe('POST');
    if (method !== 'HEAD') expect(response.json().error).toMatchObject({ code: 'method_not_allowed' });
  });

  it.each(['/v1/models', `/v1/models/${MODEL}`])('POST %s is a 405', async (url) => {
    expect((await answering().inject({ method: 'POST', url, payload: {} })).statusCode).toBe(405);
  });

  it.each(['/v1/embeddings', '/v1', '/v1/models/a/b'])('POST %s is a 404 with an error body', async (url) => {
    const response = await answering().inject({ method: 'POST', url, payload: {} });
    expect(response.statusCode).toBe(404);
    expect(response.json().error).toMatchObject({ code: 'not_found', message: expect.stringContaining(url) });
  });
});

describe('models', () => {
  const bare = { id: MODEL, object: 'model', created: expect.any(Number), owned_by: 'eidetic' };
  const model = { ...bare, max_model_len: 2048, eidetic: { imageTokens: 256, maxImages: 2 } };

  it('are listed', async () => {
    const response = await answering().inject('/v1/models');
    expect(response.json()).toEqual({ object: 'list', data: [model] });
  });

  it('are bare while they load', async () => {
    const service = { model: MODEL, chat: () => play([]) };
    expect((await serve(service).inject(`/v1/models/${MODEL}`)).json()).toEqual(bare);
  });

  it('are found by id', async () => {
    expect((await answering().inject(`/v1/models/${MODEL}`)).json()).toEqual(model);
  });

  it('that are not served are a 404 that names the one that is', async () => {
    const response = await answering().inject('/v1/models/gpt-4o');
    expect(response.statusCode).toBe(404);
    expect(response.json().error.message).toContain(`ask for "${MODEL}"`);
  });
});

describe('x-request-id', () => {
  const idFor = async (url: string, own?: string) =>
    (await answering().inject({ url, headers: own === undefined ? {} : { 'x-request-id': own } })).headers[
      'x-request-id'
    ];

  it.each(['/v1/models', '/v1/nowhere'])('is made up on %s when the client has none', async (url) => {
    expect(await idFor(url)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(['/v1/models', '/v1/nowhere'])('is sent back on %s', async (url) => {
    expect(await idFor(url, 'trace-1:a/b')).toBe('trace-1:a/b');
  });

  it.each(['with space', 'x'.repeat(200), '{"a":1}'])('is replaced when it is not safe to log: %s', async (own) => {
    expect(await idFor('/v1/models', own)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('of two requests may be the same: each answer has an id of its own', async () => {
    const { service, requests } = chatThat(() => play(ANSWER));
    const app = serve(service);
    for (let sent = 0; sent < 2; sent += 1) {
      const headers = { 'x-request-id': 'same' };
      await app.inject({ method: 'POST', url: '/v1/chat/completions', payload: BODY, headers });
    }
    expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(2);
  });
});
