import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { ChatEvent, ChatRequest } from '@eidetic/chat';
import { BodyBudget } from '@eidetic/core';
import { ChatServiceDefinition } from '@eidetic/proto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { malformedCall } from './malformed-calls.ts';
import { RawClient } from './raw-call.ts';
import { ANSWER, doorkeeper, message, scripted, serve } from './serve.ts';

/** On a machine that has other things to do. */
const SOON = { timeout: 10_000 };

/** Calls that are made; more find more. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 1500);

const MEMORY_BYTES = 2 ** 26;
const UNKNOWN = 2;
const INTERNAL = 13;

/** Answers whatever is asked, as often as it is asked. */
function* answerAll({ choices = 1 }: ChatRequest): Generator<ChatEvent> {
  yield* ANSWER.slice(0, 1);
  for (let choice = 0; choice < choices; choice += 1) {
    for (const event of ANSWER.slice(1, -1)) yield 'choice' in event ? { ...event, choice } : event;
  }
  yield* ANSWER.slice(-1);
}

const open = () => {
  const bodies = new BodyBudget(MEMORY_BYTES);
  const { access, state } = doorkeeper(async () => ({ tenant: undefined, release: () => undefined }));
  return { bodies, access, state, chat: scripted(answerAll) };
};

it('ends every call, blames itself for none, and goes on', { timeout: 60_000 + RUNS * 50 }, async () => {
  const { state, ...parts } = open();
  const { address, channel } = await serve(parts);
  using client = new RawClient(address);
  const counts: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(malformedCall, async (call) => {
      const status = await client.call(call);
      counts[status] = (counts[status] ?? 0) + 1;
      expect(status).not.toBe(UNKNOWN);
      if (!call.brokenTransport) expect(status).not.toBe(INTERNAL);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  if (process.env.FUZZ_RUNS !== undefined) console.table(counts);
  const events = await Array.fromAsync(channel.stream(ChatServiceDefinition, 'chat', message()));
  expect(events.at(-1)?.event).toMatchObject({ $case: 'finished' });
  // Good calls, bad messages, unknown methods, and no gRPC at all.
  for (const status of ['0', '3', '12', 'HTTP 415']) expect(counts).toHaveProperty([status]);
  await expect.poll(() => state.inside, SOON).toBe(0);
  expect(() => parts.bodies.reserve(MEMORY_BYTES)()).not.toThrow();
  expect(() => {
    parts.bodies.reserve(1);
    parts.bodies.reserve(MEMORY_BYTES - 1);
  }).not.toThrow();
});

it('takes no harm from what is no HTTP/2', async () => {
  const { address, channel } = await serve(open());
  const [host = '', port = ''] = address.split(':');
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const begins = fc.constantFrom(
    Buffer.alloc(0),
    preface,
    Buffer.concat([preface, settings]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  );
  await fc.assert(
    fc.asyncProperty(begins, fc.uint8Array({ maxLength: 300 }), async (begin, rest) => {
      const socket = createConnection(Number(port), host);
      socket.on('error', () => undefined).resume();
      socket.end(Buffer.concat([begin, rest]));
      await once(socket, 'close');
    }),
    { numRuns: Math.ceil(RUNS / 10) },
  );
  expect(await channel.unary(ChatServiceDefinition, 'listModels', {})).toMatchObject({ models: [{}] });
});
