import { Writable } from 'node:stream';
import type { Tracer } from '@eidetic/telemetry';
import fastify from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { traceRequests } from './trace-requests.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = `00-${TRACE}-b7ad6b7169203331-01`;
const OURS = `00-${TRACE}-00f067aa0ba902b7-01`;

type StartOptions = Parameters<Tracer['start']>;

/** A server that tells which trace context its handlers see, and what it logs. */
const serve = async (tracer: Tracer | undefined) => {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()));
      done();
    },
  });
  const app = fastify({ logger: { stream } });
  app.addHook(
    'onRequest',
    traceRequests(() => tracer),
  );
  app.get('/v1/context', ({ headers, log }, reply) => {
    log.info('answered');
    return reply.code(202).send({ traceparent: headers.traceparent });
  });
  app.get('/healthz', ({ headers }) => ({ traceparent: headers.traceparent }));
  onTestFinished(() => app.close());
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const ask = async (path: string, traceparent?: string): Promise<unknown> =>
    (await fetch(`${address}${path}`, { headers: traceparent === undefined ? {} : { traceparent } })).json();
  return { ask, logged: () => lines.find(({ msg }) => msg === 'answered') };
};

/** A tracer whose every span has the same context. */
const spying = () => {
  const started: StartOptions[] = [];
  const told: unknown[] = [];
  const ended = Promise.withResolvers<void>();
  const tracer: Tracer = {
    start(...options) {
      started.push(options);
      const ignore = (): void => undefined;
      return {
        traceparent: OURS,
        set: (attributes) => told.push(attributes),
        event: ignore,
        fail: ignore,
        end: () => ended.resolve(),
      };
    },
    async [Symbol.asyncDispose]() {},
  };
  return { tracer, started, told, ended: ended.promise };
};

it('goes on with the trace of the client, for whoever reads the header and in the log, until the answer is sent', async () => {
  const { tracer, started, told, ended } = spying();
  const { ask, logged } = await serve(tracer);
  expect(await ask('/v1/context', CLIENT)).toEqual({ traceparent: OURS });
  await ended;
  expect(started).toMatchObject([['GET /v1/context', { kind: 'server', parent: CLIENT }]]);
  expect(told).toEqual([{ 'http.response.status_code': 202 }]);
  expect(logged()).toMatchObject({ traceId: TRACE });
});

it('begins a trace where the client has none, or sends something else', async () => {
  const { tracer, started } = spying();
  const { ask } = await serve(tracer);
  await ask('/v1/context');
  await ask('/v1/context', 'nonsense');
  expect(started.map(([, options]) => options?.parent)).toEqual([undefined, undefined]);
});

it('hands on the context of the client, and logs its trace, when nothing is traced here', async () => {
  const { ask, logged } = await serve(undefined);
  expect(await ask('/v1/context', CLIENT)).toEqual({ traceparent: CLIENT });
  expect(logged()).toMatchObject({ traceId: TRACE });
});

it('logs no trace where there is none', async () => {
  const { ask, logged } = await serve(undefined);
  await ask('/v1/context');
  expect(logged()).not.toHaveProperty('traceId');
});

it('leaves alone what is asked for all the time', async () => {
  const { tracer, started } = spying();
  const { ask } = await serve(tracer);
  expect(await ask('/healthz', CLIENT)).toEqual({ traceparent: CLIENT });
  expect(started).toEqual([]);
});
