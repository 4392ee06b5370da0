import { type ClientHttp2Session, connect, constants } from 'node:http2';
import type { RawCall } from './malformed-calls.ts';

/** Time after which a call that nobody ends counts as hung. */
const HUNG_MS = 20_000;

/** A client that speaks HTTP/2 and knows nothing of gRPC; it connects again when it was thrown out. */
export class RawClient implements Disposable {
  readonly #address: string;
  #session: ClientHttp2Session | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  /**
   * Makes a call.
   *
   * @returns how it ended: `grpc-status` as a number, or what happened instead.
   * @throws Error when it does not end in time.
   */
  async call({ headers, pieces, ending }: RawCall): Promise<number | string> {
    const { promise, resolve, reject } = Promise.withResolvers<number | string>();
    const stream = this.#connected().request(headers, { endStream: false });
    const hung = setTimeout(() => {
      reject(new Error(`A call did not end: ${JSON.stringify(headers)}, ${pieces.length} pieces, then ${ending}.`));
      stream.destroy();
    }, HUNG_MS);
    let status: number | string | undefined;
    const note = (found: Readonly<Record<string, unknown>>): void => {
      if (found['grpc-status'] !== undefined) status = Number(found['grpc-status']);
      else if (found[':status'] !== undefined && found[':status'] !== 200) status = `HTTP ${found[':status']}`;
    };
    stream.on('response', note).on('trailers', note);
    stream.on('error', () => undefined).resume();
    stream.on('close', () => resolve(status ?? (ending === 'end' ? `reset ${stream.rstCode}` : 'left')));
    for (const piece of pieces) stream.write(piece);
    if (ending === 'end') stream.end();
    // What was written gets to the server first.
    else setImmediate(() => this.#leave(ending, () => stream.close(constants.NGHTTP2_CANCEL)));
    try {
      return await promise;
    } finally {
      clearTimeout(hung);
    }
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
  }

  #leave(how: 'reset' | 'hang up', reset: () => void): void {
    if (how === 'reset') reset();
    else this.#session?.destroy();
  }

  #connected(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = connect(`http://${this.#address}`);
      this.#session.on('error', () => undefined);
    }
    return this.#session;
  }
}
