import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { pageDirectory } from '@eidetic/web';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
/** As strict as the server's own, which the test against the real server sees. */
const CONTENT_SECURITY_POLICY = "default-src 'self'; img-src 'self' blob: https:";

/** The body of a request as the page sends it. */
export interface SentRequest {
  readonly [parameter: string]: unknown;
  readonly messages: readonly {
    readonly role: string;
    readonly content:
      | string
      | readonly { readonly type: string; readonly text?: string; readonly image_url?: { readonly url: string } }[];
  }[];
}

/** Answers one request; what it does not end stays open. */
export type Script = (response: ServerResponse, request: SentRequest) => void | Promise<void>;

/** Serves the page, and a script instead of a model: for what no real model does at will, such as failing or stalling. */
export class ScriptedServer implements AsyncDisposable {
  readonly requests: SentRequest[] = [];
  /** The `Authorization` of each of them. */
  readonly credentials: (string | undefined)[] = [];
  /** What questions for the model get instead of its name, as long as it is set. */
  greeting: ((response: ServerResponse) => void) | undefined;
  readonly #scripts: Script[] = [];
  readonly #server = createServer((request, response) => {
    this.#handle(request, response).catch((reason: unknown) => response.destroy(reason as Error));
  });

  /** Its address, once it listens. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** What the next requests for an answer get, in order. */
  script(...scripts: readonly Script[]): void {
    this.#scripts.push(...scripts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    if (path === '/v1/models' && this.greeting) {
      this.greeting(response);
    } else if (path === '/v1/models') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ object: 'list', data: [{ id: 'qwen-vl-nano-chat', object: 'model' }] }));
    } else if (path === '/v1/chat/completions') {
      const body = (await json(request)) as SentRequest;
      this.requests.push(body);
      this.credentials.push(request.headers.authorization);
      const script = this.#scripts.shift();
      if (script === undefined) throw new Error('No script is left for this request.');
      await script(response, body);
    } else {
      const file = join(pageDirectory, path === '/' ? 'index.html' : path);
      response.setHeader('content-type', CONTENT_TYPES[extname(file)] ?? 'application/octet-stream');
      response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
      response.end(await readFile(file));
    }
  }
}

/** Starts a stream of events. */
export function startEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
}

/** Sends one chunk with this delta. */
export function sendDelta(response: ServerResponse, delta: object, extensions: object = {}): void {
  const chunk = { object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: null }], ...extensions };
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}

/** A complete answer, in pieces of one character. */
export function answerWith(
  text: string,
  options: {
    readonly images?: readonly object[];
    readonly grounding?: readonly object[];
    /** Between two pieces, so that the page draws them one by one. */
    readonly pauseMs?: number;
  } = {},
): Script {
  return async (response) => {
    startEvents(response);
    sendDelta(response, { role: 'assistant', content: '' }, { eidetic: { images: options.images ?? [] } });
    for (const character of text) {
      if (options.pauseMs !== undefined) await setTimeout(options.pauseMs);
      sendDelta(response, { content: character });
    }
    if (options.grounding) sendDelta(response, { grounding: options.grounding });
    const end = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
    const timings = { imagesMs: 31, decoderMs: 110, firstTokenMs: 50, totalMs: 150 };
    const usage = {
      prompt_tokens: 90,
      completion_tokens: 21,
      prompt_tokens_details: { cached_tokens: 64, image_tokens: 64 },
    };
    response.write(`data: ${JSON.stringify({ ...end, eidetic: { timings } })}\n\n`);
    response.write(`data: ${JSON.stringify({ choices: [], usage })}\n\n`);
    response.end('data: [DONE]\n\n');
  };
}

/** Refuses a request with OpenAI's error body. */
export function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } }));
}
