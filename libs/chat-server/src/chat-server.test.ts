import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { ChatEvent, ChatService } from '@eidetic/chat';
import { loadConfig } from '@eidetic/config';
import {
  ChatRequest,
  ChatServiceDefinition,
  HealthDefinition,
  ImageServiceDefinition,
  Role,
  ServingStatus,
} from '@eidetic/proto';
import { RpcChannel } from '@eidetic/rpc';
import {
  createBatchMetrics,
  createChatMetrics,
  createFileMetrics,
  createHttpMetrics,
  createRegistry,
} from '@eidetic/telemetry';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTemporaryStores } from '../test/temporary-stores.ts';
import { type ChatServer, type ChatServerParts, createChatServer } from './chat-server.ts';
import { GRPC_SETTINGS, HTTP_SETTINGS, REQUEST_SETTINGS } from './settings.ts';

type Load = ChatServerParts['load'];

const MODEL = 'qwen-vl-nano-chat';
const ANSWER: readonly ChatEvent[] = [
  { kind: 'started', images: [], promptTokens: 5 },
  { kind: 'text', choice: 0, text: 'Hello' },
  { kind: 'ended', choice: 0, reason: 'stop' },
  {
    kind: 'finished',
    reason: 'stop',
    usage: { promptTokens: 5, imageTokens: 0, cachedTokens: 0, completionTokens: 1 },
    timings: { imagesMs: 0, decoderMs: 1, firstTokenMs: 1, totalMs: 1 },
  },
];

/** Answers "Hello"; while `held` is pending it says nothing after its first word. */
const helloService = (held: Promise<void> = Promise.resolve()): ChatService => ({
  model: MODEL,
  async *chat() {
    yield* ANSWER.slice(0, 2);
    await held;
    yield* ANSWER.slice(2);
  },
});

const noImages = async () => {
  throw new Error('no pictures here');
};
const imageService = { upload: noImages, encode: noImages };

const stores = await openTemporaryStores();

const loaded =
  (chatService: ChatService): Load =>
  async () => ({ chatService, imageService, stores, release: async () => {} });

const appWith = (load: Load, env: Record<string, string> = {}): { app: ChatServer; lines: string[] } => {
  const lines: string[] = [];
  const settings = {
    EIDETIC_HTTP_PORT: '0',
    EIDETIC_GRPC_PORT: '0',
    EIDETIC_LOG_LEVEL: 'silent',
    EIDETIC_DRAIN_LIMIT: '20s',
    ...env,
  };
  const registry = createRegistry({ version: '0', model: MODEL });
  const metrics = {
    registry,
    http: createHttpMetrics(registry),
    chat: createChatMetrics(registry),
    files: createFileMetrics(registry),
    batches: createBatchMetrics(registry),
  };
  const app = createChatServer(loadConfig({ ...HTTP_SETTINGS, ...GRPC_SETTINGS, ...REQUEST_SETTINGS }, settings), {
    service: 'test',
    version: '0',
    modelName: MODEL,
    maxRequests: 68,
    metrics,
    load,
    report: (line) => lines.push(line),
  });
  onTestFinished(() => app.stop());
  return { app, lines };
};

const chat = (address: string, fields: object = {}): Promise<Response> =>
  fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }], ...fields }),
  });

describe('the chat server', () => {
  it('answers chats once it has started', async () => {
    const { app } = appWith(loaded(helloService()));
    const { http: address } = await app.start();
    expect(await (await chat(address)).json()).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
    expect(await (await fetch(`${address}/v1/models`)).json()).toMatchObject({ data: [{ id: MODEL }] });
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
  });

  it('listens while the model loads: alive, not ready, and saying why', async () => {
    const probe = createServer();
    const port = await new Promise<number>((resolve) => {
      probe.listen(0, '127.0.0.1', () => resolve((probe.address() as { port: number }).port));
    });
    await new Promise((resolve) => probe.close(resolve));
    const address = `http://127.0.0.1:${port}`;
    const reached = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const { app, lines } = appWith(
      async ({ onProgress }) => {
        onProgress('converting the decoder, 40 %');
        reached.resolve();
        await finish.promise;
        return { chatService: helloService(), imageService, stores, release: async () => {} };
      },
      { EIDETIC_HTTP_PORT: String(port) },
    );
    const start = app.start();
    await reached.promise;
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    const readiness = await fetch(`${address}/readyz`);
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toEqual({ status: 'starting: converting the decoder, 40 %' });
    const refused = await chat(address);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({
      error: { code: 'unavailable', message: expect.stringMatching(/40 %/) },
    });
    expect(lines).toEqual(['converting the decoder, 40 %']);
    finish.resolve();
    await start;
    expect((await chat(address)).status).toBe(200);
  });

  it('drains: the running stream ends whole, new requests get 503, then the model is released', async () => {
    const held = Promise.withResolvers<void>();
    let released = false;
    const { app } = appWith(async () => ({
      chatService: helloService(held.promise),
      imageService,
      stores,
      release: async () => {
        released = true;
      },
    }));
    const { http: address } = await app.start();
    const stream = await chat(address, { stream: true });
    const drained = app.drain();
    expect((await fetch(`${address}/readyz`)).status).toBe(503);
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    expect((await chat(address)).status).toBe(503);
    held.resolve();
    expect(await stream.text()).toMatch(/"finish_reason":"stop".*\n\ndata: \[DONE\]\n\n$/);
    await drained;
    await app.stop();
    expect(released).toBe(true);
    await expect(fetch(`${address}/healthz`)).rejects.toThrow();
  });

  it('does not wait longer for a request than for its answer', async () => {
    const { app } = appWith(loaded(helloService()), { EIDETIC_REQUEST_DEADLINE: '1ms' });
    const { port, hostname } = new URL((await app.start()).http);
    const socket = createConnection(Number(port), hostname).setEncoding('utf8');
    socket.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    let reply = '';
    for await (const piece of socket) reply += piece;
    expect(reply).toMatch(/^HTTP\/1.1 408 .*"code":"request_timeout"/s);
  });

  it('knows models by long names too', async () => {
    const { app } = appWith(loaded(helloService()));
    const response = await fetch(`${(await app.start()).http}/v1/models/${'x'.repeat(5000)}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'model_not_found' } });
  });

  it('stops although a reader has stalled', async () => {
    const endless: ChatService = {
      model: MODEL,
      async *chat() {
        for (;;) yield { kind: 'text', choice: 0, text: 'x'.repeat(64 * 1024) };
      },
    };
    const { app } = appWith(loaded(endless), { EIDETIC_DRAIN_LIMIT: '1ms' });
    const { port, hostname } = new URL((await app.start()).http);
    const socket = createConnection(Number(port), hostname);
    const body = JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }], stream: true });
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, 'readable');
    await app.drain();
    await app.stop();
    socket.destroy();
  });

  it('gives up loading when it is told to stop', async () => {
    const reached = Promise.withResolvers<void>();
    const { app } = appWith(async ({ signal }) => {
      const aborted = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => aborted.reject(signal.reason));
      reached.resolve();
      return aborted.promise;
    });
    const start = expect(app.start()).rejects.toThrow('aborted');
    await reached.promise;
    await app.drain();
    await app.stop();
    await start;
  });

  it('names a port that is taken, before it loads anything', async () => {
    const { app } = appWith(loaded(helloService()));
    const port = new URL((await app.start()).http).port;
    const second = appWith(
      () => {
        throw new Error('loaded');
      },
      { EIDETIC_HTTP_PORT: port },
    );
    await expect(second.app.start()).rejects.toMatchObject({
      code: 'invalid_config',
      message: `Cannot listen on 127.0.0.1:${port}: it is in use by another program. Stop that program, or set EIDETIC_HTTP_PORT and EIDETIC_HTTP_HOST.`,
    });
  });

  it('names an address that is not of this machine', async () => {
    const { app } = appWith(loaded(helloService()), { EIDETIC_HTTP_HOST: '192.0.2.1' });
    await expect(app.start()).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/^Cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL.* Set EIDETIC_HTTP_PORT/),
    });
  });

  it('counts requests by route and status, chats by how they end', async () => {
    const { app } = appWith(loaded(helloService()));
    const { http: address } = await app.start();
    await chat(address);
    await chat(address, { tools: [] });
    await fetch(`${address}/nowhere/at/all`);
    const metrics = await (await fetch(`${address}/metrics`)).text();
    expect(metrics.split('\n')).toEqual(
      expect.arrayContaining([
        'eidetic_http_requests_total{method="POST",route="/v1/chat/completions",status="200"} 1',
        'eidetic_http_requests_total{method="POST",route="/v1/chat/completions",status="400"} 1',
        'eidetic_http_requests_total{method="GET",route="unknown",status="404"} 1',
        'eidetic_chat_requests_finished_total{outcome="stop"} 1',
        'eidetic_chat_requests_running 0',
      ]),
    );
  });

  it('answers unknown routes outside the API with an error body too', async () => {
    const { app } = appWith(loaded(helloService()));
    const response = await fetch(`${(await app.start()).http}/chat/completions`, { method: 'POST' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { code: 'not_found', message: 'POST /chat/completions: no such route; the API is under /v1.' },
    });
  });
});

describe('the gRPC API', () => {
  const text = { part: { $case: 'text', value: 'Hi' } } as const;
  const messages = [{ role: Role.ROLE_USER, content: [text] }];
  const request = { ...ChatRequest.decode(Uint8Array.of()), messages };
  const channelTo = (address: string): RpcChannel => {
    const channel = new RpcChannel(address);
    onTestFinished(() => channel[Symbol.dispose]());
    return channel;
  };
  const serving = (channel: RpcChannel) => channel.unary(HealthDefinition, 'check', { service: '' });

  it('answers the chats that HTTP answers, and is counted beside it', async () => {
    const { app } = appWith(loaded(helloService()));
    const { grpc, http } = await app.start();
    const channel = channelTo(grpc);
    expect(await serving(channel)).toEqual({ status: ServingStatus.SERVING });
    const events = await Array.fromAsync(channel.stream(ChatServiceDefinition, 'chat', request));
    expect(events.map(({ event }) => event?.$case)).toEqual(['started', 'text', 'ended', 'finished']);
    await expect(channel.unary(ImageServiceDefinition, 'encode', { image: undefined })).rejects.toThrow('image');
    const metrics = await (await fetch(`${http}/metrics`)).text();
    expect(metrics.split('\n')).toEqual(
      expect.arrayContaining([
        'eidetic_grpc_calls_total{method="/eidetic.v1.ChatService/Chat",outcome="ok"} 1',
        'eidetic_grpc_calls_total{method="/eidetic.v1.ImageService/Encode",outcome="invalid_request"} 1',
        'eidetic_chat_requests_finished_total{outcome="stop"} 1',
      ]),
    );
  });

  it('drains with HTTP: the running stream ends whole, new calls are refused', async () => {
    const held = Promise.withResolvers<void>();
    const { app } = appWith(loaded(helloService(held.promise)));
    const channel = channelTo((await app.start()).grpc);
    const answer = channel.stream(ChatServiceDefinition, 'chat', request);
    await answer.next();
    const drained = app.drain();
    await expect(channel.unary(ChatServiceDefinition, 'listModels', {})).rejects.toMatchObject({ code: 'unavailable' });
    held.resolve();
    const rest = await Array.fromAsync(answer);
    expect(rest.at(-1)?.event).toMatchObject({ $case: 'finished' });
    await drained;
  });

  it('names a port that is taken', async () => {
    const { app } = appWith(loaded(helloService()));
    const port = (await app.start()).grpc.split(':')[1] ?? '';
    const second = appWith(loaded(helloService()), { EIDETIC_GRPC_PORT: port });
    await expect(second.app.start()).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('set EIDETIC_GRPC_PORT and EIDETIC_GRPC_HOST'),
    });
  });
});

describe('the web page', () => {
  it.each(['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/examples', '/src/index.ts'])(
    'gives away nothing else: %s',
    async (path) => {
      const { app } = appWith(loaded(helloService()));
      expect((await fetch(`${(await app.start()).http}${path}`)).status).toBe(404);
    },
  );
});
