import { expect, it } from 'vitest';
import { toTraceparent, traceIdOf } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

it.each([`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-00`, `01-${TRACE}-${PARENT}-01-later`])(
  'takes %s as it is, and finds the id of the trace',
  (text) => {
    expect(toTraceparent(text)).toBe(text);
    expect(traceIdOf(text)).toBe(TRACE);
  },
);

it.each([
  undefined,
  ['00'],
  '',
  `00-${'0'.repeat(32)}-${PARENT}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `ff-${TRACE}-${PARENT}-01`,
  `00-${TRACE.toUpperCase()}-${PARENT}-01`,
  `00-${TRACE}-${PARENT}`,
  `00-${TRACE}-${PARENT}-01-${'x'.repeat(65)}`,
])('ignores %s', (text) => {
  expect(toTraceparent(text)).toBeUndefined();
});

it('finds no trace where there is none', () => {
  expect(traceIdOf(undefined)).toBeUndefined();
});
