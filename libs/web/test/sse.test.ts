import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvents } from '../public/sse.js';

const streamOf = (chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> => ReadableStream.from(chunks);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): Promise<string[]> => Array.fromAsync(readEvents(streamOf([bytesOf(text)])));

describe('readEvents', () => {
  it('yields the data of each event, whatever ends its lines', async () => {
    expect(await read('data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('skips comments and other fields', async () => {
    expect(await read(': waiting\n\nevent: error\nid: 3\ndata:{"error":1}\n\n')).toEqual(['{"error":1}']);
  });

  it('joins the data lines of one event and keeps inner spaces', async () => {
    expect(await read('data:  a\ndata\ndata:b\n\n')).toEqual([' a\n\nb']);
  });

  it('drops an event that the end cuts off', async () => {
    expect(await read('data: a\n\ndata: b\n')).toEqual(['a']);
  });

  it('reads the same events however the bytes are cut', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', ' ', ':', '<', '框', '🐝') });
    const ending = fc.constantFrom('\n', '\r\n', '\r');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(line, { minLength: 1 })),
        ending,
        fc.array(fc.nat(12)),
        async (data, end, cuts) => {
          const bytes = bytesOf(
            data.map((lines) => lines.map((text) => `data: ${text}${end}`).join('') + end).join(''),
          );
          const chunks = [];
          let start = 0;
          for (const size of cuts) {
            chunks.push(bytes.subarray(start, start + size));
            start += size;
          }
          chunks.push(bytes.subarray(start));
          // A final \r may be half of \r\n: only more bytes or none tell, and none is the end of the stream.
          if (end === '\r') chunks.push(bytesOf(':\r'));
          expect(await Array.fromAsync(readEvents(streamOf(chunks)))).toEqual(data.map((lines) => lines.join('\n')));
        },
      ),
    );
  });

  it('lets go of the stream when the reader leaves', async () => {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytesOf('data: a\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const event of readEvents(stream)) {
      expect(event).toBe('a');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
