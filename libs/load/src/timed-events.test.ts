import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timedEvents } from './timed-events.ts';

it('reads events wherever they are cut, at the time at which their ends arrive', () => {
  const text = ': wait\n\ndata: {"a":"图"}\r\n\r\ndata:{"a":"2"}\n\ndata: [DONE]\n\n';
  const bytes = Buffer.from(text);
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 })), (cuts) => {
      const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
      const arrivals = ends.map((end, i) => ({ bytes: bytes.subarray(ends[i - 1] ?? 0, end), atMs: end }));
      const events = [...timedEvents<{ a: string }>(arrivals)];
      expect(events.map(({ data }) => data)).toEqual([{ a: '图' }, { a: '2' }]);
      const firstEnd = Buffer.byteLength(text.slice(0, text.indexOf('\r') + 2));
      expect(events[0]?.atMs).toBe(ends.find((end) => end >= firstEnd));
    }),
  );
});
