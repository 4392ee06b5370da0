import type { ChatEvent } from '@eidetic/chat';
import { FinishReason } from '@eidetic/proto';
import { expect, it } from 'vitest';
import { toResponseMessages } from './event-messages.ts';

const HEAD = { id: 'chat-1', model: 'nano' };
const utf8 = Uint8Array.of(0xe7);
const top = { text: '<|im_end|>', bytes: Uint8Array.of(), logprob: -1 };
const token = { text: '\ufffd', bytes: utf8, logprob: -0.5, top: [top] };
const scored = {
  token: { text: '\ufffd', utf8, logprob: -0.5 },
  top: [{ text: '<|im_end|>', utf8: Uint8Array.of(), logprob: -1 }],
};

it('puts pieces of one answer that follow one another together, with their tokens', () => {
  const events: ChatEvent[] = [
    { kind: 'text', choice: 0, text: 'a', tokens: [token] },
    { kind: 'text', choice: 0, text: 'b' },
    { kind: 'text', choice: 0, text: '', tokens: [token] },
    { kind: 'text', choice: 1, text: 'c' },
    { kind: 'text', choice: 0, text: 'd' },
  ];
  expect(toResponseMessages(events, HEAD).map(({ event }) => event)).toEqual([
    { $case: 'text', value: { choice: 0, text: 'ab', tokens: [scored, scored] } },
    { $case: 'text', value: { choice: 1, text: 'c', tokens: [] } },
    { $case: 'text', value: { choice: 0, text: 'd', tokens: [] } },
  ]);
});

it('tells the corners of a quadrilateral, the answer that says it and why that ended', () => {
  const quad = [1, 2, 3, 4].map((x) => ({ x, y: -x }));
  const grounding = { text: '', box: { x1: 1, y1: -4, x2: 4, y2: -1 }, quad, imageIndex: 2 };
  const events: ChatEvent[] = [
    { kind: 'grounding', choice: 1, grounding },
    { kind: 'ended', choice: 1, reason: 'length' },
  ];
  expect(toResponseMessages(events, HEAD).map(({ event }) => event)).toEqual([
    { $case: 'grounding', value: { choice: 1, grounding } },
    { $case: 'ended', value: { choice: 1, reason: FinishReason.FINISH_REASON_LENGTH } },
  ]);
});
