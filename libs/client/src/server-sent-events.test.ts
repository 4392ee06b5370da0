import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readEvents } from './server-sent-events.ts';

async function* cut(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const ordered = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ordered, bytes.length]) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

const read = (text: string, places: readonly number[] = []): Promise<string[]> =>
  Array.fromAsync(readEvents(cut(new TextEncoder().encode(text), places)));

const line = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replace(/[\r\n\uFEFF]/g, ''));
const data = fc.array(line, { minLength: 1, maxLength: 3 });
const end = fc.constantFrom('\n', '\r\n', '\r');
const noise = fc.constantFrom('', ': waiting', 'event: error', 'id: 7', 'unknown');

it('reads what was written, wherever it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ data, end, noise }), { maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      async (written, places) => {
        const text = written
          .map((event) => {
            const lines = [...(event.noise === '' ? [] : [event.noise]), ...event.data.map((each) => `data: ${each}`)];
            return `${lines.join(event.end)}${event.end}${event.end}`;
          })
          .join('');
        // A last \r may be half of \r\n: what comes next ends the line.
        const got = await read(`${text}:\n`, places);
        expect(got).toEqual(written.map((event) => event.data.join('\n')));
      },
    ),
  );
});

it('skips comments, other fields and events without data, and drops one that is cut off', async () => {
  expect(await read(': hello\n\nevent: x\n\ndata:a\ndata\ndata:  b\nid: 1\n\ndata: lost\n')).toEqual(['a\n\n b']);
});
