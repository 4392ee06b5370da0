import { hash } from 'node:crypto';
import type { LineResult } from './batch.ts';

/** The results that are wanted, as lines of an output or error file. */
export async function* outputLines(
  results: AsyncIterable<LineResult>,
  wanted: (result: LineResult) => boolean,
): AsyncGenerator<Uint8Array> {
  for await (const result of results) {
    if (!wanted(result)) continue;
    const { customId, requestId, response, error } = result;
    const line = {
      id: `batch_req_${hash('sha256', `${requestId}:${customId}`, 'hex').slice(0, 32)}`,
      custom_id: customId,
      response: response && { status_code: response.status, request_id: requestId, body: response.body },
      error,
    };
    yield Buffer.from(`${JSON.stringify(line)}\n`);
  }
}
