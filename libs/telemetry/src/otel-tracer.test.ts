import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EideticError } from '@eidetic/core';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from './logger.ts';
import { openTracer } from './open-tracer.ts';
import { OtelTracer } from './otel-tracer.ts';
import { tellLosses } from './tell-losses.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const WHO = { service: 'gateway', version: '1.2.3', onDelivery: () => {} };

/** Takes what is posted to it, and answers unless told not to. */
const receive = async ({ answers = true } = {}) => {
  const posts: { readonly url: string | undefined; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = await Array.fromAsync(request);
    posts.push({ url: request.url, body: Buffer.concat(chunks).toString() });
    if (answers) response.end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posts };
};

it('reports spans as they were told, at the latest when it is closed', async () => {
  const { endpoint, posts } = await receive();
  const tracer = new OtelTracer({ ...WHO, endpoint: `${endpoint}/` });
  const parent = `00-${TRACE}-${CALLER}-01`;
  const span = tracer.start('work', { kind: 'client', parent, links: [parent], attributes: { a: 1 }, startMs: 1000 });
  span.event('halfway');
  span.set({ b: true });
  span.end(1500);
  await tracer[Symbol.asyncDispose]();
  expect(posts.map(({ url }) => url)).toEqual(['/v1/traces']);
  const [{ resource, scopeSpans }] = JSON.parse(posts[0]?.body ?? '').resourceSpans;
  expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'gateway' } });
  expect(scopeSpans[0].spans).toMatchObject([
    {
      name: 'work',
      kind: 3,
      traceId: TRACE,
      parentSpanId: CALLER,
      links: [{ traceId: TRACE, spanId: CALLER }],
      startTimeUnixNano: '1000000000',
      endTimeUnixNano: '1500000000',
      attributes: [
        { key: 'a', value: { intValue: 1 } },
        { key: 'b', value: { boolValue: true } },
      ],
      events: [{ name: 'halfway' }],
    },
  ]);
  expect(span.traceparent).toBe(`00-${TRACE}-${scopeSpans[0].spans[0].spanId}-01`);
});

it('begins a trace where there is none, that others go on with', async () => {
  const { endpoint } = await receive();
  await using tracer = new OtelTracer({ ...WHO, endpoint });
  const first = tracer.start('first');
  const second = tracer.start('second', { parent: first.traceparent });
  expect(first.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(second.traceparent.slice(0, 36)).toBe(first.traceparent.slice(0, 36));
  expect(second.traceparent).not.toBe(first.traceparent);
});

it('says of failures their code, never what the message repeats of a request', async () => {
  const { endpoint, posts } = await receive();
  const tracer = new OtelTracer({ ...WHO, endpoint });
  const span = tracer.start('work');
  span.fail(new EideticError('invalid_request', 'The dialog says "secret".'));
  span.end();
  await tracer[Symbol.asyncDispose]();
  expect(posts[0]?.body).toContain('"status":{"code":2,"message":"invalid_request"}');
  expect(posts[0]?.body).not.toContain('secret');
});

it('hands on that a trace is not recorded, and reports nothing of it', async () => {
  const { endpoint, posts } = await receive();
  const tracer = new OtelTracer({ ...WHO, endpoint });
  const span = tracer.start('work', { parent: `00-${TRACE}-${CALLER}-00` });
  span.end();
  await tracer[Symbol.asyncDispose]();
  expect(span.traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  expect(posts).toEqual([]);
});

it('closes although its receiver does not answer', async () => {
  const { endpoint, posts } = await receive({ answers: false });
  const tracer = new OtelTracer({ ...WHO, endpoint });
  tracer.start('work').end();
  await tracer[Symbol.asyncDispose]();
  expect(posts).toHaveLength(1);
});

it('tells once that its spans do not arrive, and when they do again', async () => {
  const told: (readonly [boolean, boolean])[] = [];
  const results = [0, 1, 1, 0, 0];
  const exporter = tellLosses(
    {
      export(_, done) {
        const code = results.shift() ?? 0;
        done({ code, ...(code === 1 && { error: new Error('Nobody listens.') }) });
      },
      shutdown: async () => {},
    },
    (delivered, reason) => told.push([delivered, reason !== undefined]),
  );
  for (const code of [...results]) exporter.export([], (result) => expect(result.code).toBe(code));
  expect(told).toEqual([
    [false, true],
    [true, false],
  ]);
});

it('is there only if the configuration names a receiver', async () => {
  const { endpoint } = await receive();
  const logger = createLogger({ level: 'silent', ...WHO });
  expect(await openTracer({ otlpEndpoint: undefined }, WHO, logger)).toBeUndefined();
  await using tracer = await openTracer({ otlpEndpoint: endpoint }, WHO, logger);
  expect(tracer).toBeInstanceOf(OtelTracer);
});
