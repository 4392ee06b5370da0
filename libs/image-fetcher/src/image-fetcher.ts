import { isIP } from 'node:net';
import {
  EideticError,
  type ErrorCode,
  type FetchedImage,
  type FetchRefusal,
  type ImageFetcher,
  type ImageFetchObserver,
} from '@eidetic/core';
import { ByteBudget } from './byte-budget.ts';
import { FetchFailure } from './fetch-failure.ts';
import { openResponse } from './open-response.ts';
import { readPicture } from './read-picture.ts';
import { createDnsResolver, type ResolveHost } from './resolve-host.ts';
import { type TurnLimits, Turns } from './turns.ts';
import { hostOf, parseUrl, type UrlPolicy } from './url-policy.ts';

/** What an image fetcher is made of. */
export interface ImageFetcherParts extends TurnLimits {
  readonly policy: UrlPolicy;
  /** Of one picture. */
  readonly maxBytes: number;
  /** Of all pictures that are being fetched or have not been disposed of. */
  readonly maxBytesTogether: number;
  /** From the look-up of the name to the last byte, over all redirects. */
  readonly timeoutMs: number;
  readonly observer: ImageFetchObserver;
  /** Looks names up; DNS if absent. */
  readonly resolve?: ResolveHost;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: readonly (number | undefined)[] = [301, 302, 303, 307, 308];

const CODES: Readonly<Record<FetchRefusal, ErrorCode>> = {
  url: 'unsupported_image_source',
  host: 'unsupported_image_source',
  port: 'unsupported_image_source',
  address: 'unsupported_image_source',
  redirect: 'unsupported_image_source',
  unreachable: 'image_unreachable',
  status: 'image_unreachable',
  encoding: 'image_unreachable',
  format: 'invalid_image',
  size: 'image_too_large',
  timeout: 'deadline_exceeded',
  overloaded: 'overloaded',
  cancelled: 'cancelled',
  internal: 'internal',
};

/** Puts a fetcher together. Each hop of a redirect is judged like the first URL, and each name is looked up once a hop. */
export const createImageFetcher = (parts: ImageFetcherParts): ImageFetcher => {
  const { policy, maxBytes, maxBytesTogether, timeoutMs, observer, resolve = createDnsResolver() } = parts;
  const turns = new Turns(parts);
  const budget = new ByteBudget(maxBytesTogether);

  const ask = async (url: URL, signal: AbortSignal) => {
    policy.checkUrl(url);
    const host = hostOf(url);
    const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host];
    policy.checkAddresses(url, addresses);
    return openResponse(url, addresses, signal);
  };

  const follow = async (first: URL, signal: AbortSignal) => {
    let url = first;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await ask(url, signal);
      const { location } = response.headers;
      if (!REDIRECTS.includes(response.statusCode) || location === undefined) return response;
      response.destroy();
      const next = parseUrl(location, url);
      if (url.protocol === 'https:' && next.protocol === 'http:') {
        throw new FetchFailure('redirect', 'a redirect leads from https to http');
      }
      url = next;
    }
    throw new FetchFailure('redirect', `there are more than ${MAX_REDIRECTS} redirects`);
  };

  const fetchPicture = async (url: URL, signal: AbortSignal): Promise<FetchedImage> => {
    using parts = new DisposableStack();
    const held = parts.use(budget.open());
    const response = await follow(url, signal);
    try {
      const bytes = await readPicture(response, held, maxBytes);
      // To Node, a body without a length that is given up has come to its end.
      signal.throwIfAborted();
      const kept = parts.move();
      return { bytes, [Symbol.dispose]: () => kept.dispose() };
    } finally {
      response.destroy();
    }
  };

  /** Within the time that a fetch has, however slowly a server drips. */
  const fetchInTime = async (url: URL, signal: AbortSignal): Promise<FetchedImage> => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      return await fetchPicture(url, AbortSignal.any([late.signal, signal]));
    } catch (reason) {
      if (!late.signal.aborted) throw reason;
      throw new FetchFailure('timeout', `${hostOf(url)} did not send it within ${timeoutMs} ms`, reason);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    async fetch(text, { scope }, signal = new AbortController().signal) {
      try {
        const url = parseUrl(text);
        using _turn = await turns.take(scope, signal);
        const image = await fetchInTime(url, signal);
        observer.fetched(image.bytes.length);
        return image;
      } catch (reason) {
        if (signal.aborted) {
          observer.refused('cancelled');
          throw signal.reason;
        }
        observer.refused(reason instanceof FetchFailure ? reason.reason : 'internal');
        throw toEideticError(reason);
      }
    },
  };
};

const toEideticError = (reason: unknown): EideticError => {
  if (!(reason instanceof FetchFailure)) return EideticError.from(reason);
  const code = CODES[reason.reason];
  const instead = code === 'unsupported_image_source' ? ' Send the picture itself as a data URI.' : '';
  const message = `The picture could not be fetched: ${reason.message}.${instead}`;
  return new EideticError(code, message, { cause: reason, details: { reason: reason.reason } });
};
