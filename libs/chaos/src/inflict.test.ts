import { expect, it } from 'vitest';
import type { ChatRecord } from './chat-load.ts';
import { impactOf } from './inflict.ts';

const fault = { name: '', lastsMs: 0, cutsClients: false, strike: () => Promise.reject(new Error('not asked for')) };
const record = (sentMs: number, endedMs: number, outcome: ChatRecord['outcome'] = 'right'): ChatRecord => ({
  chat: 'greeting',
  sentMs,
  endedMs,
  outcome,
  detail: '',
  moves: 0,
});

it('counts the recovery from chats that were sent after the fault', () => {
  const records = [record(0, 5), record(8, 12), record(11, 30, 'refused'), record(12, 40), record(41, 45)];
  const struck = { fault, strikeMs: 10, overMs: 42 };
  expect(impactOf(struck, records)).toEqual({ recoveryMs: 30, longestGapMs: 28, slowestMs: 28 });
});

it('does not count what came before or after the fault', () => {
  const records = [record(0, 100), record(100, 199), record(201, 210), record(211, 215), record(216, 500)];
  const struck = { fault, strikeMs: 200, overMs: 214 };
  expect(impactOf(struck, records)).toEqual({ recoveryMs: 10, longestGapMs: 11, slowestMs: 9 });
});
