import { createPrivateKey, X509Certificate } from 'node:crypto';
import { EideticError } from '@eidetic/core';

/** A PEM file, and the variable that names it. */
export interface NamedFile {
  readonly setting: string;
  readonly path: string;
}

/** What proves who one is, and by what others prove it; PEM. */
export interface Certificates {
  /** The own certificate, those of its issuers behind it, and its private key. */
  readonly identity?: { readonly cert: Buffer; readonly key: Buffer };
  /** Certificates of the authorities that others are believed by. */
  readonly ca?: Buffer;
}

/** A file that is of no use. */
export const badFile = ({ setting, path }: NamedFile, problem: string, cause?: unknown): EideticError =>
  new EideticError('invalid_config', `${setting}: ${path} ${problem}.`, { cause, details: { param: setting } });

const parse = (file: NamedFile, pem: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw badFile(file, 'is not a certificate in PEM', cause);
  }
};

const requireValid = (file: NamedFile, { validFromDate, validToDate }: X509Certificate, nowMs: number): void => {
  if (validToDate.getTime() < nowMs) throw badFile(file, `expired on ${validToDate.toISOString()}`);
  if (validFromDate.getTime() > nowMs) throw badFile(file, `is not valid before ${validFromDate.toISOString()}`);
};

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Refuses a certificate and a key that cannot prove anything.
 *
 * @param nowMs milliseconds since 1970
 * @throws EideticError `invalid_config` that names the file and what is wrong with it.
 */
export const checkIdentity = (
  files: { readonly cert: NamedFile; readonly key: NamedFile },
  { cert, key }: { readonly cert: Buffer; readonly key: Buffer },
  nowMs: number,
): void => {
  const certificate = parse(files.cert, cert.toString());
  requireValid(files.cert, certificate, nowMs);
  const privateKey = (() => {
    try {
      return createPrivateKey(key);
    } catch (cause) {
      throw badFile(files.key, 'is not a private key in PEM without a passphrase', cause);
    }
  })();
  if (certificate.checkPrivateKey(privateKey)) return;
  throw badFile(files.key, `is not the key of the certificate in ${files.cert.path}`);
};

/**
 * Refuses authorities that nobody can be believed by.
 *
 * @param nowMs milliseconds since 1970
 * @throws EideticError `invalid_config` that names the file and what is wrong with it.
 */
export const checkAuthorities = (file: NamedFile, pem: Buffer, nowMs: number): void => {
  const blocks = pem.toString().match(BLOCK);
  if (blocks === null) throw badFile(file, 'holds no certificate in PEM');
  for (const block of blocks) requireValid(file, parse(file, block), nowMs);
};
