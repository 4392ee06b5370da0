import { once } from 'node:events';
import { connect } from 'node:http2';
import { EideticError, ERROR_KINDS, type ErrorCode } from '@eidetic/core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CallContext, RpcChannel } from '../src/index.ts';
import { collect, serveToy, TOY } from './toy-service.ts';

/** A stream that yields 0, says how its call ended, and never ends by itself. */
const endless = () => {
  const ended = Promise.withResolvers<unknown>();
  const count = async function* (_: number, { signal }: CallContext) {
    yield 0;
    await once(signal, 'abort');
    ended.resolve(signal.reason);
    throw signal.reason;
  };
  return { count, ended: ended.promise };
};

describe('a call', () => {
  it('is answered once, or with a stream in order', async () => {
    const { channel, ended } = await serveToy();
    expect(await channel.unary(TOY, 'ask', 'Why')).toBe('Why!');
    expect(await collect(channel.stream(TOY, 'count', 1000))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(ended).toMatchObject([
      { method: '/test.ToyService/Ask', code: 'ok' },
      { method: '/test.ToyService/Count', code: 'ok' },
    ]);
  });

  it.each(Object.keys(ERROR_KINDS) as ErrorCode[])('fails with what its handler threw: %s', async (code) => {
    const error = new EideticError(code, 'Wrong.', { details: { param: 'prompt', tokens: 5 } });
    const { channel } = await serveToy({
      ask: () => Promise.reject(error),
      async *count() {
        yield 1;
        throw error;
      },
    });
    const expected = { code, details: error.details };
    await expect(channel.unary(TOY, 'ask', '')).rejects.toMatchObject(expected);
    const messages = channel.stream(TOY, 'count', 1);
    expect((await messages.next()).value).toBe(1);
    await expect(messages.next()).rejects.toMatchObject(expected);
  });

  it('tells the server what was not foreseen, and the client nothing of it', async () => {
    const { channel, ended } = await serveToy({ ask: () => Promise.reject(new Error('hunter2')) });
    await expect(channel.unary(TOY, 'ask', '')).rejects.toMatchObject({
      code: 'internal',
      message: expect.not.stringContaining('hunter2'),
    });
    expect(ended).toMatchObject([{ code: 'internal', error: { message: 'hunter2' } }]);
  });

  it('carries all the keys that a prompt full of pictures can miss', async () => {
    const keys = Array.from({ length: 126 }, (_, i) => String(i).padStart(129, 'k')).join(' ');
    const error = new EideticError('embedding_missing', `Missing: ${keys}`, { details: { keys } });
    const { channel } = await serveToy({ ask: () => Promise.reject(error) });
    await expect(channel.unary(TOY, 'ask', '')).rejects.toMatchObject({ code: 'embedding_missing', details: { keys } });
  });

  it('is refused when its request cannot be read', async () => {
    const { channel } = await serveToy();
    const requestType = { ...TOY.methods.ask.requestType, encode: () => ({ finish: () => Buffer.from('{') }) };
    const garbled = { ...TOY, methods: { ask: { ...TOY.methods.ask, requestType } } };
    await expect(channel.unary(garbled, 'ask', '')).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('asks no proxy', async () => {
    vi.stubEnv('http_proxy', 'http://127.0.0.1:1');
    try {
      const { channel } = await serveToy();
      expect(await channel.unary(TOY, 'ask', 'Why')).toBe('Why!');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('fails with `unavailable` when nobody listens', async () => {
    const { server, address } = await serveToy();
    await server.stop();
    using channel = new RpcChannel(address);
    await expect(channel.unary(TOY, 'ask', '')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(collect(channel.stream(TOY, 'count', 1))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a message', () => {
  const MIB = 2 ** 20;

  it('may have 32 MiB in either direction', async () => {
    const { channel } = await serveToy({ ask: async (question) => question });
    const large = 'x'.repeat(32 * MIB - 2);
    expect((await channel.unary(TOY, 'ask', large)).length).toBe(large.length);
  });

  it('that is larger is refused by name, request or answer', async () => {
    const { channel } = await serveToy({ ask: async (question) => question.repeat(2) });
    const tooLarge = { code: 'body_too_large' };
    await expect(channel.unary(TOY, 'ask', 'x'.repeat(32 * MIB))).rejects.toMatchObject(tooLarge);
    await expect(channel.unary(TOY, 'ask', 'x'.repeat(16 * MIB))).rejects.toMatchObject(tooLarge);
  });
});

describe('a call that ends early', () => {
  it('aborts the handler when its caller leaves the stream', async () => {
    const { count, ended } = endless();
    const { channel } = await serveToy({ count });
    for await (const message of channel.stream(TOY, 'count', 1)) {
      expect(message).toBe(0);
      break;
    }
    expect(await ended).toMatchObject({ code: 'cancelled' });
  });

  it('aborts the handler when its signal aborts, and throws the reason', async () => {
    const { count, ended } = endless();
    const { channel } = await serveToy({ count });
    const leaving = new AbortController();
    const messages = channel.stream(TOY, 'count', 1, { signal: leaving.signal });
    await messages.next();
    leaving.abort(new EideticError('unavailable', 'Somewhere else.'));
    await expect(messages.next()).rejects.toMatchObject({ code: 'unavailable', message: 'Somewhere else.' });
    expect(await ended).toMatchObject({ code: 'cancelled' });
  });

  it('does not reach the server when its signal is aborted already', async () => {
    const { channel, ended } = await serveToy();
    const options = { signal: AbortSignal.abort() };
    await expect(channel.unary(TOY, 'ask', '', options)).rejects.toMatchObject({ code: 'cancelled' });
    await expect(collect(channel.stream(TOY, 'count', 1, options))).rejects.toMatchObject({ code: 'cancelled' });
    await channel.unary(TOY, 'ask', '');
    expect(ended).toHaveLength(1);
  });

  it('ends at its caller when its deadline passes, and so at the server', async () => {
    const { count, ended } = endless();
    const { channel } = await serveToy({ count });
    const messages = collect(channel.stream(TOY, 'count', 1, { deadlineMs: Date.now() + 300 }));
    await expect(messages).rejects.toMatchObject({ code: 'deadline_exceeded' });
    // Its deadline is later by the way that the call took: the caller's leaving may be there first.
    expect(await ended).toMatchObject({ code: expect.stringMatching(/^(deadline_exceeded|cancelled)$/) });
  });

  it('ends at the server when its deadline passes, although its caller stays', async () => {
    const { count, ended } = endless();
    const { address } = await serveToy({ count });
    const connection = connect(`http://${address}`);
    onTestFinished(() => connection.destroy());
    const call = connection.request({
      ':method': 'POST',
      ':path': '/test.ToyService/Count',
      'content-type': 'application/grpc',
      'grpc-timeout': '300m',
      te: 'trailers',
    });
    const trailers = once(call.resume(), 'trailers');
    // Not compressed, four bytes of length, the message.
    call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from('1')]));
    expect(await ended).toMatchObject({ code: 'deadline_exceeded' });
    const [{ 'grpc-status': status }] = await trailers;
    expect(status).toBe('4');
  });

  it('tells the handler its deadline, and none when there is none', async () => {
    const told: (number | undefined)[] = [];
    const { channel } = await serveToy({
      ask: async (_, { deadlineMs }) => {
        told.push(deadlineMs);
        return '';
      },
    });
    const deadlineMs = Date.now() + 60_000;
    await channel.unary(TOY, 'ask', '', { deadlineMs });
    await channel.unary(TOY, 'ask', '');
    // Time on the way is taken for time left: the deadline travels as a duration.
    expect(Math.abs((told[0] ?? 0) - deadlineMs)).toBeLessThan(30_000);
    expect(told[1]).toBeUndefined();
  });
});

describe('trace context', () => {
  const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it('reaches handlers of both kinds, and whoever is told of the end of calls', async () => {
    const told: (string | undefined)[] = [];
    const { channel, ended } = await serveToy({
      ask: async (_, { traceparent }) => {
        told.push(traceparent);
        return '';
      },
      async *count(_, { traceparent }) {
        told.push(traceparent);
        yield 0;
      },
    });
    await channel.unary(TOY, 'ask', '', { traceparent: TRACEPARENT });
    await collect(channel.stream(TOY, 'count', 1, { traceparent: TRACEPARENT }));
    await channel.unary(TOY, 'ask', '');
    expect(told).toEqual([TRACEPARENT, TRACEPARENT, undefined]);
    expect(ended.map(({ traceparent }) => traceparent)).toEqual(told);
  });

  it('is ignored where it is none', async () => {
    const { channel, ended } = await serveToy();
    await channel.unary(TOY, 'ask', '', { traceparent: 'no trace context' });
    expect(ended).toMatchObject([{ code: 'ok' }]);
    expect(ended[0]).not.toHaveProperty('traceparent');
  });
});

describe('a slow reader', () => {
  it('is waited for: what it has not read is not produced, and other streams go on', async () => {
    let produced = 0;
    const { channel } = await serveToy({
      async *count(to) {
        for (let i = 0; i < to; i++) {
          if (to === 10_000) produced++;
          yield 'x'.repeat(2 ** 16);
        }
      },
    });
    const slow = channel.stream(TOY, 'count', 10_000);
    await slow.next();
    // 16 MiB pass through another stream of the same connection meanwhile.
    expect(await collect(channel.stream(TOY, 'count', 256))).toHaveLength(256);
    expect(produced).toBeLessThan(100);
    await slow.return();
  });
});
