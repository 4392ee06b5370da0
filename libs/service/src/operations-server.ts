import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from './listen-error.ts';

/** Answers of `/readyz`: whether a request would be answered now, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly status: string;
}

/** What is told to those who operate the service. */
export interface OperationsParts {
  readonly readiness: () => Readiness;
  /** Text of the metrics, and its content type, for the `Accept` of a request. */
  readonly metrics: (accept: string | undefined) => Promise<{ readonly contentType: string; readonly text: string }>;
}

const sendJson = (response: ServerResponse, statusCode: number, body: object): void => {
  response.writeHead(statusCode, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
};

/** `/healthz`, `/readyz` and `/metrics` over HTTP, for a service that speaks something else otherwise. */
export class OperationsServer {
  readonly #server: Server;

  constructor({ readiness, metrics }: OperationsParts) {
    this.#server = createServer(async ({ method, url, headers }, response) => {
      if (method !== 'GET' && method !== 'HEAD') return sendJson(response, 405, { status: 'method not allowed' });
      switch (url) {
        case '/healthz':
          return sendJson(response, 200, { status: 'alive' });
        case '/readyz': {
          const { ready, status } = readiness();
          return sendJson(response, ready ? 200 : 503, { status });
        }
        case '/metrics':
          return metrics(headers.accept).then(
            ({ contentType, text }) => void response.writeHead(200, { 'content-type': contentType }).end(text),
            (error) => sendJson(response, 500, { status: `metrics cannot be read: ${error}` }),
          );
        default:
          return sendJson(response, 404, { status: 'not found' });
      }
    });
  }

  /**
   * Listens; resolves with the address.
   *
   * @param settings names of the variables that choose the address
   * @throws EideticError `invalid_config` when that is not possible.
   */
  async listen(place: { readonly host: string; readonly port: number; readonly settings: string }): Promise<string> {
    try {
      await once(this.#server.listen(place.port, place.host), 'listening');
    } catch (error) {
      throw listenError(error, place);
    }
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
