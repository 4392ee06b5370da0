import { writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { HealthDefinition, readDescriptors, ServingStatus } from '@eidetic/proto';
import { type ChannelTls, RpcChannel, RpcServer } from '@eidetic/rpc';
import { CertificateFiles } from '@eidetic/tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Authority, filesOf, type Identity } from '../support/certificates.ts';

/** On a machine that has other things to do. */
const SOON = { timeout: 10_000 };

let authority: Authority;
let stranger: Authority;
let own: Identity;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([Authority.create(), Authority.create()]);
  own = await authority.certify('127.0.0.1');
});

/** Certificates in files of their own, looked at all the time. */
const certificates = async (identity: Identity | undefined, ca?: string) => {
  const paths = await filesOf({ cert: identity?.cert ?? '', key: identity?.key ?? '', ca: ca ?? '' });
  const named = (name: keyof typeof paths) => ({ setting: name, path: paths[name] });
  const files = new CertificateFiles({
    ...(identity && { identity: { cert: named('cert'), key: named('key') } }),
    ...(ca !== undefined && { ca: named('ca') }),
    intervalMs: 10,
  });
  return { files, paths };
};

const serve = async (files: CertificateFiles): Promise<string> => {
  const server = new RpcServer({
    services: [],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 3_600_000,
    certificates: files,
    onEnd: () => undefined,
  });
  onTestFinished(() => server.stop());
  const address = await server.listen({ host: '127.0.0.1', port: 0, settings: 'PORT' });
  server.setServing(true);
  return address;
};

/** Asks whether the server serves; a connection of its own. */
const check = async (address: string, tls?: ChannelTls) => {
  using channel = new RpcChannel(address, { tls });
  const { status } = await channel.unary(HealthDefinition, 'check', { service: '' });
  return status;
};

/** What a client believes, and shows. */
const client = async (ca: string, identity?: Identity, serverName?: string): Promise<ChannelTls> => {
  const { files } = await certificates(identity, ca);
  return { certificates: files, ...(serverName !== undefined && { serverName }) };
};

const UNREACHABLE = { code: 'unavailable' };

describe('a server that encrypts', () => {
  it('answers clients that believe its authority, and no others', async () => {
    const address = await serve((await certificates(own)).files);
    expect(await check(address, await client(authority.pem))).toBe(ServingStatus.SERVING);
    await expect(check(address, await client(stranger.pem))).rejects.toMatchObject(UNREACHABLE);
    await expect(check(address)).rejects.toMatchObject(UNREACHABLE);
  });

  it('is known by its address, or by the name that it is wanted under', async () => {
    const address = await serve((await certificates(await authority.certify('decoder'))).files);
    await expect(check(address, await client(authority.pem))).rejects.toMatchObject({
      ...UNREACHABLE,
      message: expect.stringMatching(/127\.0\.0\.1/),
    });
    expect(await check(address, await client(authority.pem, undefined, 'decoder'))).toBe(ServingStatus.SERVING);
    await expect(check(address, await client(authority.pem, undefined, 'vision'))).rejects.toMatchObject(UNREACHABLE);
  });

  it('shows new clients its new certificate, and keeps those that are there', async () => {
    const { files, paths } = await certificates(own);
    const address = await serve(files);
    using early = new RpcChannel(address, { tls: await client(authority.pem) });
    await early.unary(HealthDefinition, 'check', { service: '' });
    const other = await stranger.certify('127.0.0.1');
    await Promise.all([writeFile(paths.cert, other.cert), writeFile(paths.key, other.key)]);
    const strangers = await client(stranger.pem);
    await expect.poll(() => check(address, strangers).catch(() => 'refused'), SOON).toBe(ServingStatus.SERVING);
    await expect(check(address, await client(authority.pem))).rejects.toMatchObject(UNREACHABLE);
    expect(await early.unary(HealthDefinition, 'check', { service: '' })).toEqual({ status: ServingStatus.SERVING });
  });
});

describe('a server that wants certificates of its clients', () => {
  it('answers those who have one of its authority, and no others', async () => {
    const address = await serve((await certificates(own, authority.pem)).files);
    const good = await authority.certify('gateway');
    expect(await check(address, await client(authority.pem, good))).toBe(ServingStatus.SERVING);
    const forged = await stranger.certify('gateway');
    await expect(check(address, await client(authority.pem, forged))).rejects.toMatchObject(UNREACHABLE);
    await expect(check(address, await client(authority.pem))).rejects.toMatchObject(UNREACHABLE);
    await expect(check(address)).rejects.toMatchObject(UNREACHABLE);
  });

  it('refuses a certificate whose time is up', async () => {
    const address = await serve((await certificates(own, authority.pem)).files);
    // Our own clients do not even try with such a one.
    const attempt = async (identity: Identity) => {
      const session = connect(`https://${address}`, { ca: authority.pem, ...identity });
      onTestFinished(() => session.destroy());
      session.on('error', () => undefined);
      const events = (['close', 'remoteSettings'] as const).map(
        (name) => new Promise<string>((resolve) => session.once(name, () => resolve(name))),
      );
      return Promise.race(events);
    };
    expect(await attempt(await authority.certify('gateway', { fromDays: -2, toDays: -1 }))).toBe('close');
    expect(await attempt(await authority.certify('gateway'))).toBe('remoteSettings');
  });

  it('believes other authorities when its file names others', async () => {
    const { files, paths } = await certificates(own, authority.pem);
    const address = await serve(files);
    const tls = await client(authority.pem, await stranger.certify('gateway'));
    await expect(check(address, tls)).rejects.toMatchObject(UNREACHABLE);
    await writeFile(paths.ca, stranger.pem);
    await expect.poll(() => check(address, tls).catch(() => 'refused'), SOON).toBe(ServingStatus.SERVING);
  });
});
