import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { EideticError, type FetchRefusal, SHARED_SCOPE } from '@eidetic/core';
import { onTestFinished } from 'vitest';
import { parseHostPattern } from '../src/host-pattern.ts';
import { createImageFetcher, type ImageFetcherParts } from '../src/image-fetcher.ts';
import { createUrlPolicy } from '../src/url-policy.ts';

/** Enough of a PNG for whoever looks at its first bytes. */
export const PICTURE = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(1000, 7)]);

/** What a server says for good. */
export const response = (body: Uint8Array, head: readonly string[] = [], status = '200 OK'): Buffer =>
  Buffer.concat([
    Buffer.from([`HTTP/1.1 ${status}`, `content-length: ${body.length}`, ...head, '', ''].join('\r\n')),
    body,
  ]);

/** A redirect. */
export const redirect = (location: string, status = 302): Buffer =>
  response(Buffer.alloc(0), [`location: ${location}`], `${status} Elsewhere`);

/** Writes pieces as fast as they are read, until the other side has had enough. */
export const flood = (socket: Socket, piece: Uint8Array | string): void => {
  const go = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', go);
  go();
};

/** A server that does with each request what it is told, and knows what it was asked and what hangs on it. */
export interface HostileServer {
  readonly port: number;
  readonly requests: string[];
  /** Resolves once nobody is connected any more. */
  readonly left: () => Promise<void>;
}

/** Listens on an address of this machine until the test ends. `answer` gets the head of each request. */
export const startServer = async (
  answer: (socket: Socket, request: string) => void,
  {
    address = '127.0.0.1',
    port = 0,
    server = createServer(),
  }: { address?: string; port?: number; server?: Server } = {},
): Promise<HostileServer> => {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const event = 'setSecureContext' in server ? 'secureConnection' : 'connection';
  server.on(event, (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', (head: Buffer) => {
      requests.push(head.toString('latin1'));
      answer(socket, head.toString('latin1'));
    });
  });
  server.on('tlsClientError', () => undefined);
  await once(server.listen(port, address), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const left = async (): Promise<void> => {
    while (sockets.size > 0) await new Promise((resolve) => [...sockets][0]?.once('close', resolve));
  };
  return { port: (server.address() as AddressInfo).port, requests, left };
};

/** A fetcher that may reach 127.0.0.1 on these ports, and is told which names there are. */
export const setUpFetcher = (
  ports: readonly number[],
  {
    names = {},
    own = ['127.0.0.1'],
    ...more
  }: Partial<ImageFetcherParts> & {
    /** What each look-up of a name answers, in turn. */
    names?: Readonly<Record<string, readonly (readonly string[])[]>>;
    own?: readonly string[];
  } = {},
) => {
  const outcomes: (FetchRefusal | number)[] = [];
  const lookups: string[] = [];
  const fetcher = createImageFetcher({
    policy: createUrlPolicy({ private: own.flatMap((text) => parseHostPattern(text) ?? []), ports }),
    maxBytes: 2 ** 20,
    maxBytesTogether: 2 ** 26,
    timeoutMs: 20_000,
    maxRunning: 32,
    maxWaiting: 256,
    observer: { fetched: (sizeBytes) => outcomes.push(sizeBytes), refused: (reason) => outcomes.push(reason) },
    resolve: async (hostname) => {
      const before = lookups.filter((name) => name === hostname).length;
      lookups.push(hostname);
      return names[hostname]?.[before] ?? [];
    },
    ...more,
  });
  const fetch = (url: string, signal?: AbortSignal) => fetcher.fetch(url, { scope: SHARED_SCOPE }, signal);
  /** The error with which a fetch ends. */
  const refusal = async (url: string, signal?: AbortSignal): Promise<EideticError> => {
    const outcome = await fetch(url, signal).catch((reason: unknown) => reason);
    if (outcome instanceof EideticError) return outcome;
    throw new Error(`${url} was not refused`, { cause: outcome });
  };
  return { fetch, refusal, outcomes, lookups };
};
