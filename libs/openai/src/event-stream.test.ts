import { setImmediate } from 'node:timers/promises';
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
  const writes = await Array.fromAsync(eventStream(chunks, { heartbeatMs: 1000, failure }));
  expect(writes.join('')).toBe('data: {"a":1}\n\ndata: {"b":"two\\nlines"}\n\ndata: [DONE]\n\n');
});

it('writes the first chunk at once, and what follows on its heels together', async () => {
  vi.useFakeTimers();
  const gate = Promise.withResolvers<void>();
  const chunks = (async function* () {
    yield { a: 1 };
    yield { b: 2 };
    yield { c: 3 };
    await gate.promise;
    yield { d: 4 };
  })();
  const stream = eventStream(chunks, { heartbeatMs: 1000, failure });
  expect((await stream.next()).value).toBe('data: {"a":1}\n\n');
  const next = stream.next();
  await vi.advanceTimersByTimeAsync(5);
  expect((await next).value).toBe('data: {"b":2}\n\ndata: {"c":3}\n\n');
  gate.resolve();
  expect((await stream.next()).value).toBe('data: {"d":4}\n\ndata: [DONE]\n\n');
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
  expect((await stream.next()).value).toBe('data: {"a":1}\n\ndata: [DONE]\n\n');
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

it('survives a source that fails while nobody reads: a slow reader, or one that has left', async () => {
  const { promise: lost, reject } = Promise.withResolvers<never>();
  const chunks = (async function* () {
    yield { a: 1 };
    await lost;
  })();
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  try {
    const stream = eventStream(chunks, { heartbeatMs: 1000, failure });
    await stream.next();
    reject(new Error('lost'));
    await setImmediate();
    expect(unhandled).not.toHaveBeenCalled();
    expect((await stream.next()).value).toBe('event: error\ndata: {"error":"Error: lost"}\n\n');
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});
