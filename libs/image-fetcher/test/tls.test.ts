import tls, { createServer } from 'node:tls';
import { beforeAll, expect, it, vi } from 'vitest';
import { Authority, type Identity } from '../../../test/support/certificates.ts';
import { PICTURE, redirect, response, setUpFetcher, startServer } from './fetch-parts.ts';

const HOSTS = ['good.test', 'late.test', '127.0.0.1', 'stranger.test'] as const;
const identities = new Map<string, Identity>();

beforeAll(async () => {
  const [authority, unknown] = [await Authority.create(), await Authority.create()];
  for (const host of HOSTS) {
    const by = host === 'stranger.test' ? unknown : authority;
    identities.set(host, await by.certify(host, host === 'late.test' ? { fromDays: -1, toDays: -0.5 } : {}));
  }
  tls.setDefaultCACertificates([authority.pem]);
});

/** A server that proves `proven`, found under every name. */
const serve = async (proven: (typeof HOSTS)[number], answer = response(PICTURE)) => {
  const server = createServer({ ...identities.get(proven) });
  const { port, requests } = await startServer((socket) => socket.end(answer), { server });
  const fetcher = setUpFetcher([port], {
    names: Object.fromEntries(HOSTS.map((host) => [host, [['127.0.0.1'], ['127.0.0.1']]])),
  });
  return { port, requests, ...fetcher };
};

it('fetches from a server that proves its name, or its address where there is no name', async () => {
  for (const [proven, host] of [
    ['good.test', 'good.test'],
    ['good.test', 'GOOD.test.'],
    ['127.0.0.1', '0x7f.1'],
  ] as const) {
    const { port, fetch } = await serve(proven);
    using image = await fetch(`https://${host}:${port}/`);
    expect(Buffer.from(image.bytes)).toEqual(PICTURE);
  }
});

it.each([
  ['another name', '127.0.0.1', 'good.test'],
  ['another address', 'good.test', '127.0.0.1'],
  ['its name no longer', 'late.test', 'late.test'],
  ['its name through an authority that nobody knows', 'stranger.test', 'stranger.test'],
] as const)('sends nothing to a server that proves %s, even when told not to look', async (_, proven, host) => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const { port, refusal, requests } = await serve(proven);
  const error = await refusal(`https://${host}:${port}/`);
  vi.unstubAllEnvs();
  expect([error.code, error.details.reason]).toEqual(['image_unreachable', 'unreachable']);
  expect(error.message).toContain('does not speak https, with a certificate that is valid for it');
  expect(requests).toEqual([]);
});

it('does not speak TLS to a server that does not, nor the other way round', async () => {
  const plain = await startServer((socket) => socket.end(response(PICTURE)));
  const { refusal } = setUpFetcher([plain.port]);
  expect((await refusal(`https://127.0.0.1:${plain.port}/`)).code).toBe('image_unreachable');
  const encrypted = await serve('127.0.0.1');
  expect((await encrypted.refusal(`http://127.0.0.1:${encrypted.port}/`)).code).toBe('image_unreachable');
});

it('follows a redirect from https to https, and not to http', async () => {
  const last = await serve('127.0.0.1');
  const fine = await serve('127.0.0.1', redirect(`https://127.0.0.1:${last.port}/`));
  const { fetch } = setUpFetcher([last.port, fine.port]);
  (await fetch(`https://127.0.0.1:${fine.port}/`))[Symbol.dispose]();
  const down = await serve('127.0.0.1', redirect(`http://127.0.0.1:${last.port}/`));
  const error = await setUpFetcher([last.port, down.port]).refusal(`https://127.0.0.1:${down.port}/`);
  expect([error.code, error.details.reason]).toEqual(['unsupported_image_source', 'redirect']);
  expect(last.requests).toHaveLength(1);
});
