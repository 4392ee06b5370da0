import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pngOfSize } from './broken-images.ts';
import { GOLDENS_DIRECTORY } from './goldens.ts';

/**
 * Serves the pictures of the goldens under `/images/`, a bomb under `/bomb.png` and a way inside under `/inside`, at 127.0.0.1.
 * It notes what it is asked for.
 */
export class PictureServer implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(({ url = '' }, response) => {
      this.asked.push(url);
      if (url === '/inside') response.writeHead(302, { location: 'http://127.0.0.2/' }).end();
      else if (url === '/bomb.png') response.end(pngOfSize(60_000, 60_000));
      else if (/^\/images\/[\w.-]+$/.test(url)) response.end(readFileSync(join(GOLDENS_DIRECTORY, url)));
      else response.writeHead(404).end();
    });
  }

  static async start(): Promise<PictureServer> {
    const pictures = new PictureServer();
    await once(pictures.#server.listen(0, '127.0.0.1'), 'listening');
    return pictures;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where it is, such as `http://127.0.0.1:1234`. */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** With which a server fetches from it. */
  get settings() {
    return { EIDETIC_IMAGE_URL_PRIVATE: '127.0.0.1', EIDETIC_IMAGE_URL_PORTS: `80,${this.#port}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
