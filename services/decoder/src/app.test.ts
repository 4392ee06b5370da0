import { once } from 'node:events';
import { createServer } from 'node:net';
import { loadConfig } from '@eidetic/config';
import { GREEDY } from '@eidetic/core';
import { createRemoteDecoder, type ServedDecoder } from '@eidetic/decoder-rpc';
import { createMemoryEmbeddingCache } from '@eidetic/embedding-cache';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { RpcChannel } from '@eidetic/rpc';
import type { Addresses } from '@eidetic/rpc-service';
import type { Service } from '@eidetic/service';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from './app.ts';
import { CONFIG_DEFINITION } from './config.ts';
import type { DecoderLoader } from './load-decoder.ts';

/** A free port, which a test may count on because it says which before it listens. */
const freePort = async (): Promise<number> => {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
};

/** Generates nothing but an end, once `held` is resolved. */
const servedWhen = (held: Promise<void>): ServedDecoder => ({
  decoder: {
    maxContext: 8,
    async *generate() {
      yield { kind: 'prefilled', promptTokens: 1, cachedTokens: 0 };
      await held;
      yield { kind: 'finished', reason: 'stop', completionTokens: 0 };
    },
  },
  model: { name: 'nano', family: 'toy', source: 'abc', maxContext: 8, hidden: 2, vocab: 10 },
  load: () => ({ running: 0, waiting: 0, slots: 4, kvUsage: 0 }),
  embeddings: createMemoryEmbeddingCache({ maxBytes: 0 }),
});

const setUp = (loadDecoder: DecoderLoader, env: Record<string, string> = {}) => {
  const settings = { EIDETIC_GRPC_PORT: '0', EIDETIC_HTTP_PORT: '0', EIDETIC_LOG_LEVEL: 'silent', ...env };
  const lines: string[] = [];
  const app: Service<Addresses> = createApp(loadConfig(CONFIG_DEFINITION, settings), {
    loadDecoder,
    report: (line) => lines.push(line),
  });
  onTestFinished(() => app.stop());
  return { app, lines };
};

const channelTo = (address: string): RpcChannel => {
  const channel = new RpcChannel(address);
  onTestFinished(() => channel[Symbol.dispose]());
  return channel;
};

const request = {
  requestId: 'r',
  prompt: [{ kind: 'tokens', ids: [1] }],
  sampling: GREEDY,
  maxTokens: 1,
  stopTokenIds: [],
} as const;

describe('the decoder service', () => {
  it('listens while the model loads: alive, not serving, and saying why', async () => {
    const [grpcPort, httpPort] = [await freePort(), await freePort()];
    const reached = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const { app, lines } = setUp(
      async (_, { onProgress }) => {
        onProgress('Converting, 40 %');
        reached.resolve();
        await finish.promise;
        return { served: servedWhen(Promise.resolve()), release: async () => {} };
      },
      { EIDETIC_GRPC_PORT: String(grpcPort), EIDETIC_HTTP_PORT: String(httpPort) },
    );
    const start = app.start();
    await reached.promise;
    const channel = channelTo(`127.0.0.1:${grpcPort}`);
    const http = `http://127.0.0.1:${httpPort}`;
    const check = () => channel.unary(HealthDefinition, 'check', { service: '' });
    expect(await check()).toEqual({ status: ServingStatus.NOT_SERVING });
    await expect(createRemoteDecoder(channel)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/40 %/),
    });
    const readiness = await fetch(`${http}/readyz`);
    expect([readiness.status, await readiness.json()]).toEqual([503, { status: 'starting: Converting, 40 %' }]);
    expect((await fetch(`${http}/healthz`)).status).toBe(200);
    expect(lines).toEqual(['Converting, 40 %']);
    finish.resolve();
    await start;
    expect(await check()).toEqual({ status: ServingStatus.SERVING });
    expect((await fetch(`${http}/readyz`)).status).toBe(200);
  });

  it('drains: the running stream ends whole, then the model is released', async () => {
    const held = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const { app } = setUp(async () => ({ served: servedWhen(held.promise), release: async () => released.resolve() }));
    const { grpc, http } = await app.start();
    const remote = await createRemoteDecoder(channelTo(grpc));
    const events = remote.generate(request)[Symbol.asyncIterator]();
    await events.next();
    const drained = app.drain();
    const readiness = await fetch(`${http}/readyz`);
    expect([readiness.status, await readiness.json()]).toEqual([503, { status: 'draining' }]);
    held.resolve();
    expect((await events.next()).value).toMatchObject({ kind: 'finished' });
    expect((await events.next()).done).toBe(true);
    await drained;
    await app.stop();
    await released.promise;
    await expect(fetch(`${http}/healthz`)).rejects.toThrow();
  });

  it('gives up loading when it is stopped', async () => {
    const reached = Promise.withResolvers<void>();
    const { app } = setUp(async (_, { signal }) => {
      reached.resolve();
      await once(signal, 'abort');
      throw signal.reason;
    });
    const start = expect(app.start()).rejects.toMatchObject({ name: 'AbortError' });
    await reached.promise;
    await app.drain();
    await app.stop();
    await start;
  });

  it.each(['EIDETIC_GRPC_PORT', 'EIDETIC_HTTP_PORT'])('names the setting of a port that is taken: %s', async (name) => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const { app } = setUp(() => Promise.reject(new Error('It loads.')), { [name]: String(port) });
    await expect(app.start()).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(`${port}.*${name}`),
    });
  });
});
