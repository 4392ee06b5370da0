// Needed by the library before it is loaded.
import 'reflect-metadata';
import { KeyObject, type webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { onTestFinished } from 'vitest';

const DAY_MS = 86_400_000;
const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A certificate and its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> => crypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);

const pemOf = (key: webcrypto.CryptoKey): string =>
  KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();

/** Someone who certifies. */
export class Authority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
  }

  static async create(): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: 'CN=test authority',
      keys,
      signingAlgorithm: SIGNING,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      extensions: [new BasicConstraintsExtension(true)],
    });
    return new Authority(keys, certificate);
  }

  /** Its own certificate, PEM. */
  get pem(): string {
    return this.#certificate.toString('pem');
  }

  /** Certifies whoever answers at `host`, a name or an address; from now on, unless days say otherwise. */
  async certify(host: string, { fromDays = -0.5, toDays = 0.5 } = {}): Promise<Identity> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${host}`,
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: SIGNING,
      notBefore: new Date(Date.now() + fromDays * DAY_MS),
      notAfter: new Date(Date.now() + toDays * DAY_MS),
      extensions: [new SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }])],
    });
    return { cert: certificate.toString('pem'), key: pemOf(keys.privateKey) };
  }
}

/** Writes files into a folder that goes with the test; their paths, by the names given. */
export const filesOf = async <Name extends string>(
  contents: Readonly<Record<Name, string>>,
): Promise<Record<Name, string>> => {
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-tls-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const names = Object.keys(contents) as Name[];
  await Promise.all(names.map((name) => writeFile(join(folder, `${name}.pem`), contents[name])));
  return Object.fromEntries(names.map((name) => [name, join(folder, `${name}.pem`)])) as Record<Name, string>;
};
