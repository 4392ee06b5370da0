import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as it came. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

/** Answers one request; what it does not end stays open. */
export type Script = (response: ServerResponse, request: Received) => void;

/** An HTTP server that answers as it is told, request by request. */
export class ScriptedServer implements AsyncDisposable {
  readonly requests: Received[] = [];
  readonly #scripts: Script[] = [];
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((reason: unknown) => response.destroy(reason as Error));
  });

  /** Its address, once it listens. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What the next requests get, in order. */
  script(...scripts: readonly Script[]): void {
    this.#scripts.push(...scripts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const sent = await text(request);
    const body = headers['content-type'] === 'application/json' ? JSON.parse(sent) : sent;
    const received = { method, path, headers, body };
    this.requests.push(received);
    const script = this.#scripts.shift();
    if (script === undefined) throw new Error('No script is left for this request.');
    script(response, received);
  }
}

/** A JSON answer. */
export const answer =
  (body: object, status = 200, headers: Readonly<Record<string, string>> = {}): Script =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req-7', ...headers });
    response.end(JSON.stringify(body));
  };

/** A refusal with OpenAI's error body. */
export const refuse = (status: number, code: string, headers: Readonly<Record<string, string>> = {}): Script =>
  answer({ error: { message: `It is ${code}.`, type: 'x', param: 'messages', code } }, status, headers);

/** A stream of these texts; `end` says whether it is closed properly, cut, or left open. */
export const stream =
  (pieces: readonly string[], end: 'close' | 'cut' | 'open' = 'close'): Script =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'req-8' });
    for (const piece of pieces) response.write(piece);
    if (end === 'close') response.end();
    // Only once it is on its way: what was not sent yet would be lost with the connection.
    if (end === 'cut') response.write(': cut\n\n', () => setImmediate(() => response.destroy()));
  };

/** JSON values as server-sent events. */
export const events = (...values: readonly object[]): string[] =>
  values.map((value) => `data: ${JSON.stringify(value)}\n\n`);
