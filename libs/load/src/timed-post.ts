import { once } from 'node:events';
import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Bytes that arrived together. */
export interface Arrival {
  readonly bytes: Buffer;
  /** Milliseconds since the request was sent. */
  readonly atMs: number;
}

/** A response, and what of it arrived when. */
export interface TimedResponse {
  readonly status: number;
  readonly arrivals: readonly Arrival[];
  /** Milliseconds from the request to the end of the response. */
  readonly totalMs: number;
}

/** How a request is made. */
export interface TimedPostOptions {
  /** Keeps connections for the next request; of the protocol of the URL. */
  readonly agent?: Agent;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Posts JSON and takes down what arrives when. Reading it is left for later: what the client computes meanwhile would be taken
 * from a server on the same cores, and from the other requests.
 *
 * @throws what Node.js says when there is no response, or not all of it
 */
export async function timedPost(url: string, body: string, options: TimedPostOptions = {}): Promise<TimedResponse> {
  const { agent, signal } = options;
  const start = performance.now();
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...options.headers,
  };
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const sent = request(url, { method: 'POST', headers, ...(agent && { agent }), ...(signal && { signal }) });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const arrivals: Arrival[] = [];
  response.on('data', (bytes: Buffer) => arrivals.push({ bytes, atMs: performance.now() - start }));
  await once(response, 'end');
  return { status: response.statusCode ?? 0, arrivals, totalMs: performance.now() - start };
}

/** The whole of a response. */
export const responseText = ({ arrivals }: TimedResponse): string =>
  Buffer.concat(arrivals.map(({ bytes }) => bytes)).toString();
