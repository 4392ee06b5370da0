import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { createServer } from 'node:tls';
import { afterAll, expect, it, vi } from 'vitest';
import { PICTURE, redirect, response, setUpFetcher, startServer } from './fetch-parts.ts';

const directory = mkdtempSync(join(tmpdir(), 'eidetic-tls-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A key and a certificate for a name, signed by itself. */
const certificate = (name: string, subject = `DNS:${name}`) => {
  const [key, cert] = ['key', 'crt'].map((ending) => join(directory, `${name}.${ending}`));
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const files = ['-keyout', `${key}`, '-out', `${cert}`];
  execFileSync('openssl', [...args, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`, ...files], {
    stdio: 'ignore',
  });
  return { key: readFileSync(`${key}`, 'utf8'), cert: readFileSync(`${cert}`, 'utf8') };
};

const good = certificate('good.test', 'DNS:good.test,IP:127.0.0.1');
const stranger = certificate('stranger.test');
tls.setDefaultCACertificates([good.cert]);

const serve = async (options: { readonly key: string; readonly cert: string }, answer = response(PICTURE)) => {
  const server = createServer(options);
  const { port, requests } = await startServer((socket) => socket.end(answer), { server });
  const names = {
    'good.test': [['127.0.0.1'], ['127.0.0.1']],
    'bad.test': [['127.0.0.1']],
    'stranger.test': [['127.0.0.1']],
  };
  return { port, requests, ...setUpFetcher([port], { names }) };
};

it('fetches from a server that proves its name, or its address where there is no name', async () => {
  const { port, fetch } = await serve(good);
  for (const host of ['good.test', 'good.test.', '127.0.0.1']) {
    using image = await fetch(`https://${host}:${port}/`);
    expect(Buffer.from(image.bytes)).toEqual(PICTURE);
  }
});

it('sends nothing to a server that proves another name, or proves it by itself, even when told not to look', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  for (const [options, host] of [
    [good, 'bad.test'],
    [stranger, 'stranger.test'],
  ] as const) {
    const { port, refusal, requests } = await serve(options);
    const error = await refusal(`https://${host}:${port}/`);
    expect([error.code, error.details.reason]).toEqual(['image_unreachable', 'unreachable']);
    expect(error.message).toContain('does not speak https, with a certificate that is valid for it');
    expect(requests).toEqual([]);
  }
  vi.unstubAllEnvs();
});

it('does not speak TLS to a server that does not, nor the other way round', async () => {
  const plain = await startServer((socket) => socket.end(response(PICTURE)));
  const { refusal } = setUpFetcher([plain.port]);
  expect((await refusal(`https://127.0.0.1:${plain.port}/`)).code).toBe('image_unreachable');
  const { port, refusal: other } = await serve(good);
  expect((await other(`http://127.0.0.1:${port}/`)).code).toBe('image_unreachable');
});

it('follows a redirect from https to https, and not to http', async () => {
  const last = await serve(good);
  const fine = await serve(good, redirect(`https://127.0.0.1:${last.port}/`));
  const { fetch, refusal } = setUpFetcher([last.port, fine.port]);
  (await fetch(`https://127.0.0.1:${fine.port}/`))[Symbol.dispose]();
  const down = await serve(good, redirect(`http://127.0.0.1:${last.port}/`));
  const error = await setUpFetcher([last.port, down.port]).refusal(`https://127.0.0.1:${down.port}/`);
  expect(error.details.reason).toBe('redirect');
  expect(error.code).toBe('unsupported_image_source');
  expect(last.requests).toHaveLength(1);
  expect(await refusal(`http://127.0.0.1:${last.port}/`)).toMatchObject({ code: 'image_unreachable' });
});
