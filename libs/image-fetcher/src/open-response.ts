import { type IncomingMessage, request as overHttp, type RequestOptions } from 'node:http';
import { request as overHttps } from 'node:https';
import { isIP, type TcpNetConnectOpts } from 'node:net';
import { FetchFailure } from './fetch-failure.ts';
import { hostOf } from './url-policy.ts';

const MAX_HEADER_BYTES = 16 * 2 ** 10;

/** Responses with status 1xx before the one that counts. */
const MAX_INTERIM = 8;

/** No cookies, credentials or referrer; a body as it is, so that what is counted is what comes. */
const HEADERS = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'Eidetic' };

/**
 * Asks for a URL at one of `addresses` and resolves when the headers of the response are here; its body is the caller's to read or
 * to destroy. The name is never looked up again: whoever checked the addresses knows with whom it speaks. Redirects are not
 * followed, proxies of the environment not used. TLS verifies the name in the URL, whatever the environment says.
 *
 * @throws FetchFailure `unreachable`
 */
export const openResponse = (url: URL, addresses: readonly string[], signal: AbortSignal): Promise<IncomingMessage> => {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const pinned = addresses.map((address) => ({ address, family: isIP(address) }));
  const send = url.protocol === 'https:' ? overHttps : overHttp;
  const options: RequestOptions & Pick<TcpNetConnectOpts, 'autoSelectFamily'> = {
    protocol: url.protocol,
    // A literal address is connected to as it is, a name through `lookup`.
    host: hostOf(url),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, ...HEADERS },
    // A connection of its own, closed afterwards.
    agent: false,
    lookup: (_hostname, _options, callback) => callback(null, pinned),
    // One after another until one takes the connection; `lookup` is asked for all only so.
    autoSelectFamily: true,
    insecureHTTPParser: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  };
  const call = send({ ...options, rejectUnauthorized: true });
  let interim = 0;
  call.on('information', () => {
    interim += 1;
    if (interim > MAX_INTERIM) call.destroy();
  });
  call.once('response', resolve);
  // Without a listener, one that comes after the response would end the process.
  call.on('error', (cause) => reject(noWebServer(url, cause)));
  call.once('close', () => reject(noWebServer(url)));
  call.end();
  return promise;
};

const noWebServer = (url: URL, cause?: Error): FetchFailure => {
  const name = url.protocol === 'https:' ? 'https, with a certificate that is valid for it' : 'http';
  return new FetchFailure('unreachable', `${hostOf(url)} could not be reached, or does not speak ${name}`, cause);
};
