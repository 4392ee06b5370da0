import { afterAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { answer, events, refuse, ScriptedServer, stream } from '../test/scripted-server.ts';
import { createTransport, type Transport } from './transport.ts';

const resources = new AsyncDisposableStack();
let server: ScriptedServer;
let baseUrl: string;
let transport: Transport;
let waits: number[];

beforeEach(async () => {
  server = resources.use(new ScriptedServer());
  baseUrl = await server.start();
  waits = [];
  transport = createTransport({
    baseUrl,
    fetch,
    timeoutMs: 10_000,
    retries: 2,
    wait: async (delayMs) => {
      waits.push(delayMs);
    },
    random: () => 1,
  });
});
afterAll(() => resources.disposeAsync());

const done = 'data: [DONE]\n\n';
const post = { method: 'POST', path: '/x', body: { a: 1 } } as const;

it('sends a request again that met an overloaded server, after the time that it asked for', async () => {
  server.script(refuse(429, 'overloaded', { 'retry-after': '3' }), refuse(503, 'unavailable'), answer({ ok: true }));
  expect(await transport.json(post)).toEqual({ ok: true });
  expect(waits).toEqual([3500, 1000]);
  expect(server.requests.map(({ body }) => body)).toEqual(new Array(3).fill({ a: 1 }));
});

it('gives the last error when no attempt is left', async () => {
  server.script(...new Array(3).fill(refuse(429, 'overloaded')));
  await expect(transport.json(post)).rejects.toMatchObject({ code: 'overloaded', status: 429 });
  expect(server.requests).toHaveLength(3);
});

it('sends a request again whose connection broke, before or within its answer', async () => {
  server.script(
    (response) => response.destroy(),
    (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"ok"', () => setImmediate(() => response.destroy()));
    },
    answer({ ok: true }),
  );
  expect(await transport.json(post)).toEqual({ ok: true });
  expect(waits).toEqual([500, 1000]);
});

it('does not do twice what may not be done twice', async () => {
  server.script((response) => response.destroy());
  await expect(transport.json({ ...post, repeatable: false })).rejects.toMatchObject({ reason: 'unreachable' });
  expect(server.requests).toHaveLength(1);
});

it('does not send what is wrong again', async () => {
  server.script(refuse(400, 'invalid_request'));
  await expect(transport.json(post)).rejects.toMatchObject({ code: 'invalid_request' });
  expect(waits).toEqual([]);
});

it('counts only silence of the server, not the time that its reader takes', async () => {
  const { readable, writable } = new TransformStream<string, string>();
  const sent = new Response(readable.pipeThrough(new TextEncoderStream()), {
    headers: { 'content-type': 'text/event-stream' },
  });
  const writer = writable.getWriter();
  const scripted: typeof fetch = async (_, init) => {
    init?.signal?.addEventListener('abort', () => void writer.abort(init.signal?.reason));
    return sent;
  };
  const impatient = createTransport({ baseUrl, fetch: scripted, timeoutMs: 200, retries: 0 });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const got: unknown[] = [];
  writer.write(events({ a: 1 }).join('')).catch(() => undefined);
  for await (const value of impatient.events(post)) {
    got.push(value);
    // Twice as long as the server may be silent.
    await vi.advanceTimersByTimeAsync(400);
    if (got.length === 1) writer.write([...events({ a: 2 }), done].join('')).catch(() => undefined);
  }
  expect(got).toEqual([{ a: 1 }, { a: 2 }]);
});

it('waits without end if it is told to', async () => {
  server.script(answer({ ok: true }));
  const patient = createTransport({ baseUrl, fetch, timeoutMs: Number.POSITIVE_INFINITY, retries: 0 });
  expect(await patient.json(post)).toEqual({ ok: true });
});

it('asks again for a stream that broke before its first byte, and never after', async () => {
  server.script(
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      setImmediate(() => response.destroy());
    },
    stream([...events({ a: 1 }), done]),
    stream(events({ a: 1 }), 'cut'),
  );
  expect(await Array.fromAsync(transport.events(post))).toEqual([{ a: 1 }]);
  const got: unknown[] = [];
  const reading = async (): Promise<void> => {
    for await (const value of transport.events(post)) got.push(value);
  };
  await expect(reading()).rejects.toMatchObject({ reason: 'interrupted' });
  expect(got).toEqual([{ a: 1 }]);
  expect(server.requests).toHaveLength(3);
});
