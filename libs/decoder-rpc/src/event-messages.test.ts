import type { GenerateEvent } from '@eidetic/core';
import { DecoderServiceDefinition } from '@eidetic/proto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readResponse, toResponseMessages } from './event-messages.ts';

const { responseType } = DecoderServiceDefinition.methods.generate;

/** What the client reads of what the server writes. */
const overTheWire = (events: readonly GenerateEvent[]): GenerateEvent[] =>
  toResponseMessages(events).flatMap((message) =>
    readResponse(responseType.decode(responseType.encode(message).finish())),
  );

const count = fc.nat();
const logprob = fc.double({ max: 0, noNaN: true });
const plain = fc.record({ kind: fc.constant('token' as const), id: count });
const scored = fc.record({
  kind: fc.constant('token' as const),
  id: count,
  logprob,
  top: fc.array(fc.record({ id: count, logprob }), { maxLength: 20 }),
});
const start = fc.record({ kind: fc.constant('prefilled' as const), promptTokens: count, cachedTokens: count });
const end = fc.record({
  kind: fc.constant('finished' as const),
  reason: fc.constantFrom('stop' as const, 'length' as const),
  completionTokens: count,
});

it('carries events in order, with log probabilities bit for bit', () => {
  const tokens = fc.oneof(fc.array(plain), fc.array(scored));
  fc.assert(
    fc.property(start, tokens, end, (first, middle, last) => {
      const events = [first, ...middle, last];
      expect(JSON.stringify(overTheWire(events))).toBe(JSON.stringify(events));
    }),
  );
});

it('puts tokens that are ready together into one message', () => {
  const token = { kind: 'token', id: 7 } as const;
  const finished = { kind: 'finished', reason: 'stop', completionTokens: 3 } as const;
  expect(toResponseMessages([token, token, token, finished]).map(({ event }) => event?.$case)).toEqual([
    'tokens',
    'finished',
  ]);
});

it('passes over events of later versions, and does not guess at ends', () => {
  expect(readResponse({ event: undefined })).toEqual([]);
  const odd = { event: { $case: 'finished', value: { reason: 3 as 2, completionTokens: 1 } } } as const;
  expect(() => readResponse(odd)).toThrow(expect.objectContaining({ code: 'internal' }));
});
