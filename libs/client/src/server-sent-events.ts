/**
 * Reads the `data` of each server-sent event from pieces of a byte stream, wherever they are cut. Comments and other fields are
 * skipped; an event that the end of the stream cuts off is dropped. Format: WHATWG HTML, "Interpreting an event stream".
 */
export async function* readEvents(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const piece of pieces) {
    // A final \r stays: it may be half of \r\n.
    const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
      } else if (line === 'data' || line.startsWith('data:')) {
        data.push(line.slice('data:'.length).replace(/^ /, ''));
      }
    }
  }
}
