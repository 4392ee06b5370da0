import { once } from 'node:events';
import { createConnection } from 'node:net';
import { type Admission, BodyBudget, EideticError } from '@eidetic/core';
import fastify, { type FastifyInstance } from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { ANSWER, chatThat, play } from '../test/serve.ts';
import { openaiApi } from './openai-api.ts';
import { streamAnswer } from './stream-answer.ts';

/** A connection over which a request without a body was sent. */
const ask = async (app: FastifyInstance, head: string) => {
  onTestFinished(() => app.close());
  const { port, hostname } = new URL(await app.listen());
  const socket = createConnection(Number(port), hostname);
  socket.write(`${head}\r\nhost: a\r\n\r\n`);
  return socket;
};

const none = (): never => {
  throw new EideticError('unavailable', 'It is not there.');
};

it.each([
  'POST /v1/chat/completions HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 800',
  'POST /v1/files HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 800',
])('a client that leaves before it is let in holds no memory for its body: %j', async (head) => {
  const bodies = new BodyBudget(1000);
  const asked = Promise.withResolvers<void>();
  const admission = Promise.withResolvers<Admission>();
  const admit = (): Promise<Admission> => {
    asked.resolve();
    return admission.promise;
  };
  const app = fastify();
  const left = Promise.withResolvers<void>();
  app.addHook('onRequest', async (_, reply) => {
    reply.raw.once('close', left.resolve);
  });
  const { service: chat } = chatThat(() => play(ANSWER));
  const pictures = { maxBytes: 1000, probe: none };
  const parts = { chat, bodies, access: { admit }, files: none, batches: none, pictures };
  const limits = { maxBodyBytes: 1000, maxImagesPerRequest: 1, requestDeadlineMs: 20_000, heartbeatMs: 15_000 };
  void app.register(openaiApi(parts, limits));
  const socket = await ask(app, head);
  await asked.promise;
  socket.destroy();
  await left.promise;
  const released = Promise.withResolvers<void>();
  admission.resolve({ tenant: 'a', release: released.resolve });
  await released.promise;
  // Let what follows the admission happen.
  await new Promise(setImmediate);
  bodies.reserve(1);
  expect(() => bodies.reserve(999)).not.toThrow();
});

it('an answer whose client left before its first chunk is ended', async () => {
  const ended = Promise.withResolvers<void>();
  const chunks = async function* () {
    try {
      yield {};
      yield {};
    } finally {
      ended.resolve();
    }
  };
  const app = fastify();
  const asked = Promise.withResolvers<void>();
  app.get('/', async (request, reply) => {
    asked.resolve();
    await once(reply.raw, 'close');
    return streamAnswer(request, reply, chunks(), 15_000);
  });
  const socket = await ask(app, 'GET / HTTP/1.1');
  await asked.promise;
  socket.destroy();
  await ended.promise;
});
