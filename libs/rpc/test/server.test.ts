import { execFile } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { Client, credentials, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CallContext } from '../src/index.ts';
import { collect, serveToy, TOY } from './toy-service.ts';

const BUF = join(import.meta.dirname, '../../../node_modules/.bin/buf');

/** What buf's gRPC client prints. It knows no schema but the one that the server tells by reflection. */
const curl = async (address: string, ...args: readonly string[]): Promise<string> => {
  const [path = '', ...flags] = args;
  const all = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...flags, `http://${address}${path}`];
  return (await promisify(execFile)(BUF, all)).stdout;
};

/** A stream that yields 0 at once, and 1 once it is released. */
const held = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const count = async function* (_: number, { signal }: CallContext) {
    yield 0;
    await Promise.race([promise, once(signal, 'abort')]);
    yield 1;
  };
  return { count, release: resolve };
};

describe('health', () => {
  it('is NOT_SERVING until the server is told to serve, as a whole and for each service', async () => {
    const { server, channel } = await serveToy();
    const check = (service: string) => channel.unary(HealthDefinition, 'check', { service });
    expect(await check('')).toEqual({ status: ServingStatus.NOT_SERVING });
    server.setServing(true);
    expect(await check('')).toEqual({ status: ServingStatus.SERVING });
    expect(await check(TOY.fullName)).toEqual({ status: ServingStatus.SERVING });
    await expect(check('test.Other')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('can be watched to the end', async () => {
    const { server, channel } = await serveToy();
    const watch = channel.stream(HealthDefinition, 'watch', { service: TOY.fullName });
    expect((await watch.next()).value).toEqual({ status: ServingStatus.NOT_SERVING });
    server.setServing(true);
    expect((await watch.next()).value).toEqual({ status: ServingStatus.SERVING });
    await server.drain(60_000);
    expect(await collect(watch)).toEqual([{ status: ServingStatus.NOT_SERVING }]);
  });
});

describe('reflection', () => {
  it('lets a client that has no schema find services, link messages and make calls', async () => {
    const { server, address } = await serveToy();
    server.setServing(true);
    expect(await curl(address, '/grpc.health.v1.Health/Check', '-d', '{}')).toContain('SERVING');
    expect(await curl(address, '', '--list-methods')).toContain('grpc.health.v1.Health/Watch');
  });

  it('does not know what is not there', async () => {
    const { address } = await serveToy();
    await expect(curl(address, '/test.Other/Ask', '-d', '{}')).rejects.toThrow(/test\.Other/);
  });

  /** A stream of questions in bytes that stays open, and the code that it ends with. */
  const ask = (address: string, question: Buffer) => {
    const client = new Client(address, credentials.createInsecure());
    onTestFinished(() => client.close());
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const asIs = (bytes: Buffer): Buffer => bytes;
    const stream = client.makeBidiStreamRequest(path, asIs, asIs);
    const ended = new Promise<number>((resolve) => stream.on('status', ({ code }) => resolve(code)));
    stream.on('error', () => undefined);
    stream.write(question);
    return { stream, ended };
  };

  it('refuses a question that cannot be read', async () => {
    const { address } = await serveToy();
    expect(await ask(address, Buffer.from([0xff])).ended).toBe(status.INVALID_ARGUMENT);
  });

  it('keeps nothing of a stream that has ended', async () => {
    const signals: AbortSignal[] = [];
    const count = async function* (_: number, { draining }: CallContext) {
      signals.push(draining);
      yield 0;
    };
    const { address, channel } = await serveToy({ count });
    await collect(channel.stream(TOY, 'count', 1));
    const { stream, ended } = ask(address, Buffer.from([0x3a, 0]));
    await once(stream, 'data');
    stream.end();
    expect(await ended).toBe(status.OK);
    expect(signals.map((draining) => getEventListeners(draining, 'abort'))).toEqual([[]]);
  });

  it('ends streams that clients leave open when the server drains', async () => {
    const { server, address } = await serveToy();
    const { stream, ended } = ask(address, Buffer.from([0x3a, 0]));
    await once(stream, 'data');
    await server.drain(60_000);
    expect(await ended).toBe(status.OK);
  });
});

describe('a server that drains', () => {
  it('lets a running stream end whole, refuses new calls, and then is drained', async () => {
    const { count, release } = held();
    const { server, channel } = await serveToy({ count });
    const messages = channel.stream(TOY, 'count', 2);
    await messages.next();
    let drained = false;
    const draining = server.drain(60_000).then(() => {
      drained = true;
    });
    await expect(channel.unary(TOY, 'ask', '')).rejects.toMatchObject({ code: 'unavailable' });
    expect(drained).toBe(false);
    release();
    expect(await collect(messages)).toEqual([1]);
    await draining;
  });

  it('ends what runs longer than the limit with `unavailable`', async () => {
    const { server, channel } = await serveToy({ count: held().count });
    const messages = channel.stream(TOY, 'count', 2);
    await messages.next();
    const rest = expect(collect(messages)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/shut down/),
    });
    await server.drain(1);
    await server.stop();
    await rest;
  });

  it('does not wait longer than the limit for a reader that has stalled', async () => {
    const { server, channel } = await serveToy({
      async *count(to) {
        for (let i = 0; i < to; i++) yield 'x'.repeat(2 ** 16);
      },
    });
    await channel.stream(TOY, 'count', 10_000).next();
    await server.drain(1);
  });

  it('does not wait longer than the limit for a handler that does not look at its signal', async () => {
    const called = Promise.withResolvers<void>();
    const { server, channel } = await serveToy({
      ask: () => {
        called.resolve();
        return new Promise(() => {});
      },
    });
    const answer = expect(channel.unary(TOY, 'ask', '')).rejects.toMatchObject({ code: 'unavailable' });
    await called.promise;
    await server.drain(1);
    await server.stop();
    await answer;
  });

  it('tells streams without an end', async () => {
    const { server, channel } = await serveToy({
      async *count(_, { draining }) {
        yield 0;
        await once(draining, 'abort');
      },
    });
    const messages = channel.stream(TOY, 'count', 1);
    await messages.next();
    const drained = server.drain(60_000);
    expect(await collect(messages)).toEqual([]);
    await drained;
  });
});

it('closes old connections, so that clients look for new servers', async () => {
  const { address } = await serveToy({}, { maxConnectionAgeMs: 50 });
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  await once(session, 'goaway');
});

describe('a request that does not arrive', () => {
  /** Sends the beginning of a message, and resolves to the status that the call ends with. */
  const begin = async (address: string, method: string): Promise<unknown> => {
    const session = connect(`http://${address}`);
    onTestFinished(() => session.destroy());
    const headers = { ':method': 'POST', ':path': `/test.ToyService/${method}`, 'content-type': 'application/grpc' };
    const stream = session.request({ ...headers, te: 'trailers' }, { endStream: false });
    stream.write(Buffer.from([0, 0, 0, 0, 9, 34]));
    const [answer] = await once(stream, 'response');
    return answer['grpc-status'];
  };

  it('is waited for no longer than the limit', async () => {
    const { address, channel } = await serveToy({}, { maxArrivalMs: 200 });
    expect(await begin(address, 'Ask')).toBe(String(status.DEADLINE_EXCEEDED));
    expect(await begin(address, 'Count')).toBe(String(status.DEADLINE_EXCEEDED));
    expect(await channel.unary(TOY, 'ask', 'Why')).toBe('Why!');
  });

  it('does not count the time of its answer', async () => {
    const { count, release } = held();
    const { address, channel } = await serveToy({ count }, { maxArrivalMs: 200 });
    const messages = channel.stream(TOY, 'count', 2);
    await messages.next();
    await begin(address, 'Ask');
    release();
    expect(await collect(messages)).toEqual([1]);
  });
});

it('says so when its port is taken', async () => {
  const other = createServer();
  await once(other.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  const { server } = await serveToy();
  await expect(server.listen({ host: '127.0.0.1', port, settings: 'PORT' })).rejects.toMatchObject({
    code: 'invalid_config',
    message: `Cannot listen on 127.0.0.1:${port}: it is in use by another program. Stop that program, or set PORT.`,
  });
});
