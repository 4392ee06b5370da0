import { afterEach, expect, it, vi } from 'vitest';
import { eventStream } from './event-stream.ts';

afterEach(() => {
  vi.useRealTimers();
});

const failure = (reason: unknown): object => ({ error: String(reason) });

it('writes each chunk as an event and ends with [DONE]', async () => {
  const chunks = (async function* () {
    yield { a: 1 };
    yield { b: 'two\nlines' };
  })();
  expect(await Array.fromAsync(eventStream(chunks, { heartbeatMs: 1000, failure }))).toEqual([
    'data: {"a":1}\n\n',
    'data: {"b":"two\\nlines"}\n\n',
    'data: [DONE]\n\n',
  ]);
});

it('writes an error event and nothing after it', async () => {
  const chunks = (async function* () {
    yield { a: 1 };
    throw new Error('lost');
  })();
  expect(await Array.fromAsync(eventStream(chunks, { heartbeatMs: 1000, failure }))).toEqual([
    'data: {"a":1}\n\n',
    'event: error\ndata: {"error":"Error: lost"}\n\n',
  ]);
});

it('writes a comment after each stretch of silence, and loses no chunk to it', async () => {
  vi.useFakeTimers();
  const gate = Promise.withResolvers<void>();
  const chunks = (async function* () {
    await gate.promise;
    yield { a: 1 };
  })();
  const stream = eventStream(chunks, { heartbeatMs: 15_000, failure });
  for (let beat = 0; beat < 2; beat += 1) {
    const next = stream.next();
    await vi.advanceTimersByTimeAsync(15_000);
    expect((await next).value).toBe(': waiting\n\n');
  }
  gate.resolve();
  expect((await stream.next()).value).toBe('data: {"a":1}\n\n');
  expect((await stream.next()).value).toBe('data: [DONE]\n\n');
  expect(vi.getTimerCount()).toBe(0);
});

it('ends its source when the reader leaves', async () => {
  let ended = false;
  const chunks = (async function* () {
    try {
      for (;;) yield { a: 1 };
    } finally {
      ended = true;
    }
  })();
  const stream = eventStream(chunks, { heartbeatMs: 1000, failure });
  await stream.next();
  await stream.return();
  expect(ended).toBe(true);
});
