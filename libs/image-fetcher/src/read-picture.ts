import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import type { HeldBytes } from './byte-budget.ts';
import { FetchFailure } from './fetch-failure.ts';
import { PictureBody, tooLarge } from './picture-body.ts';

/**
 * Reads the body of a response. What headers say is believed only if it is a reason to stop.
 *
 * @throws FetchFailure `status`, `encoding`, `size`, `format`, `overloaded`, `unreachable`.
 */
export const readPicture = async (
  response: IncomingMessage,
  held: HeldBytes,
  maxBytes: number,
): Promise<Uint8Array> => {
  checkHead(response, maxBytes);
  const body = new PictureBody(held, maxBytes);
  // Events rather than an iteration, which would put small pieces together before anybody could count them.
  response.on('data', (piece: Buffer) => {
    if (response.destroyed) return;
    try {
      body.add(piece);
    } catch (reason) {
      response.destroy(reason instanceof Error ? reason : undefined);
    }
  });
  try {
    await finished(response);
  } catch (reason) {
    throw reason instanceof FetchFailure ? reason : new FetchFailure('unreachable', 'the server broke it off', reason);
  }
  return body.finish();
};

const checkHead = ({ statusCode, headers }: IncomingMessage, maxBytes: number): void => {
  if (statusCode !== 200) throw new FetchFailure('status', `the server answers with status ${statusCode}`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new FetchFailure('encoding', 'the server sends a content-encoding, although none is accepted');
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
};
