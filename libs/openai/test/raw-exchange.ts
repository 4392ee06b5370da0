import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What travels over a connection of its own. */
export interface RawRequest {
  readonly bytes: Buffer;
  /** Whether it is one whole HTTP request, which says `connection: close`: there has to be an answer to it. */
  readonly whole: boolean;
}

/** Time after which a connection that nobody closes counts as hung. */
const HUNG_MS = 20_000;

/** Time for an answer to what may not be whole, before the client says that it has nothing more. */
const GRACE_MS = 2;

/**
 * All that a server says to a request, until it closes the connection.
 *
 * @throws Error when it does not close it in time.
 */
export const exchange = async (port: number, { bytes, whole }: RawRequest): Promise<string> => {
  const socket = createConnection({ port, host: '127.0.0.1' }).setEncoding('latin1');
  const closed = Promise.withResolvers<string>();
  let said = '';
  socket.on('data', (piece) => {
    said += piece.toString();
  });
  // The server may close while bytes are on their way to it: what it said before counts.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => closed.resolve(said));
  const hung = setTimeout(() => {
    closed.reject(new Error(`The server did not close the connection; it said ${JSON.stringify(said.slice(0, 500))}.`));
    socket.destroy();
  }, HUNG_MS);
  try {
    socket.write(bytes);
    if (!whole) {
      await delay(GRACE_MS);
      socket.end();
    }
    return await closed.promise;
  } finally {
    clearTimeout(hung);
  }
};
