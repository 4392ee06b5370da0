import { rename, writeFile } from 'node:fs/promises';
import { loadConfig } from '@eidetic/config';
import type { EideticError } from '@eidetic/core';
import {
  CertificateFiles,
  GRPC_TLS_SETTINGS,
  grpcCertificates,
  HTTP_TLS_SETTINGS,
  httpCertificates,
  POD_TLS_SETTINGS,
  podCertificates,
} from '@eidetic/tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Authority, filesOf, type Identity } from '../support/certificates.ts';

/** On a machine that has other things to do. */
const SOON = { timeout: 10_000 };

let authority: Authority;
let good: Identity;

beforeAll(async () => {
  authority = await Authority.create();
  good = await authority.certify('127.0.0.1');
});

const grpc = (env: Record<string, string>) => grpcCertificates(loadConfig(GRPC_TLS_SETTINGS, env), {});
const identityEnv = ({ cert, key }: Identity) => ({ EIDETIC_GRPC_TLS_CERT: cert, EIDETIC_GRPC_TLS_KEY: key });

describe('certificates of a server', () => {
  it('are none when none are set', () => {
    expect(grpc({})).toBeUndefined();
    expect(httpCertificates(loadConfig(HTTP_TLS_SETTINGS, {}), {})).toBeUndefined();
    expect(podCertificates(loadConfig(POD_TLS_SETTINGS, {}), {})).toBeUndefined();
  });

  it('are read, with those of authorities', async () => {
    const { ca, ...identity } = await filesOf({ ...good, ca: `${authority.pem}\n${authority.pem}` });
    const files = grpc({ ...identityEnv(identity), EIDETIC_GRPC_TLS_CLIENT_CA: ca });
    expect(files?.current.identity?.cert.toString()).toBe(good.cert);
    expect(files?.current.ca?.toString()).toContain(authority.pem);
  });

  it.each<[string, () => Promise<Partial<Record<'cert' | 'key' | 'ca', string>>>, RegExp]>([
    [
      'that is no certificate',
      async () => ({ cert: 'x' }),
      /^EIDETIC_GRPC_TLS_CERT: \S+cert\.pem is not a certificate in PEM\.$/,
    ],
    ['that is no key', async () => ({ key: 'x' }), /^EIDETIC_GRPC_TLS_KEY: \S+key\.pem is not a private key in PEM/],
    [
      'of another certificate',
      async () => ({ key: (await authority.certify('a')).key }),
      /^EIDETIC_GRPC_TLS_KEY: \S+key\.pem is not the key of the certificate in \S+cert\.pem\.$/,
    ],
    [
      'that has expired',
      () => authority.certify('a', { fromDays: -2, toDays: -1 }),
      /^EIDETIC_GRPC_TLS_CERT: \S+ expired on 20/,
    ],
    [
      'of the future',
      () => authority.certify('a', { fromDays: 1, toDays: 2 }),
      /^EIDETIC_GRPC_TLS_CERT: \S+ is not valid before 20/,
    ],
    [
      'without an authority',
      async () => ({ ca: 'x' }),
      /^EIDETIC_GRPC_TLS_CLIENT_CA: \S+ca\.pem holds no certificate in PEM\.$/,
    ],
  ])('refuse a file %s, by its name', async (_, wrong, message) => {
    const { ca, ...identity } = await filesOf({ ...good, ca: authority.pem, ...(await wrong()) });
    const open = () => grpc({ ...identityEnv(identity), EIDETIC_GRPC_TLS_CLIENT_CA: ca });
    expect(open).toThrow(message);
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_config' }));
  });

  it('refuse a file that is not there', async () => {
    const { key } = await filesOf(good);
    expect(() => grpc(identityEnv({ cert: '/nowhere/cert.pem', key }))).toThrow(
      /^EIDETIC_GRPC_TLS_CERT: \/nowhere\/cert\.pem cannot be read: ENOENT/,
    );
  });

  it('are set whole, or not at all', () => {
    expect(() => grpc({ EIDETIC_GRPC_TLS_CERT: 'a' })).toThrow(
      'EIDETIC_GRPC_TLS_KEY: missing, although EIDETIC_GRPC_TLS_CERT is set. Set both, or none.',
    );
    expect(() => grpc({ EIDETIC_GRPC_TLS_CLIENT_CA: 'a' })).toThrow(/^EIDETIC_GRPC_TLS_CLIENT_CA: of no use without/);
    const pods = (env: Record<string, string>) => podCertificates(loadConfig(POD_TLS_SETTINGS, env), {});
    expect(() => pods({ EIDETIC_POD_TLS_NAME: 'decoder' })).toThrow(/^EIDETIC_POD_TLS_NAME: of no use without/);
    expect(() => pods({ EIDETIC_POD_TLS_CERT: 'a', EIDETIC_POD_TLS_KEY: 'b' })).toThrow(
      'EIDETIC_POD_TLS_CERT: of no use without EIDETIC_POD_TLS_CA. Set that too, or leave both out.',
    );
  });
});

/** Gives a file another content at one stroke, as those do who renew certificates. */
const replace = async (path: string, content: string): Promise<void> => {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
};

describe('files that change', () => {
  /** Looked at all the time; what was told. */
  const watched = async () => {
    const paths = await filesOf(good);
    const told: (EideticError | undefined)[] = [];
    const files = new CertificateFiles({
      identity: { cert: { setting: 'CERT', path: paths.cert }, key: { setting: 'KEY', path: paths.key } },
      intervalMs: 10,
      onChange: (trouble) => told.push(trouble),
    });
    const heard: string[] = [];
    onTestFinished(files.listen(({ identity }) => heard.push(identity?.cert.toString() ?? '')));
    return { paths, told, files, heard };
  };

  it('are used once they fit together; until then the last good ones are, and it is told why, once', async () => {
    const { paths, told, files, heard } = await watched();
    const other = await authority.certify('localhost');
    await replace(paths.cert, other.cert);
    await expect.poll(() => told.length, SOON).toBe(1);
    expect(told[0]?.message).toMatch(/^KEY: \S+ is not the key of the certificate/);
    expect(files.current.identity?.cert.toString()).toBe(good.cert);
    expect(heard).toEqual([]);
    await replace(paths.key, other.key);
    await expect.poll(() => heard, SOON).toEqual([other.cert]);
    expect(told.slice(1)).toEqual([undefined]);
    expect(files.current.identity?.key.toString()).toBe(other.key);
  });
});
